/** When to ask again. Pure: poll.js holds the timers. */

/** Seconds between looks without a change, one after the other. */
const STEPS = [1, 1, 1, 2, 3, 5, 8, 15];
/** The longest wait after failures, in seconds. */
const LONGEST = 60;

/** @typedef {{quiet: number, failures: number}} Pace how often in a row nothing changed, and the request failed */

/** @type {Pace} */
export const START = { quiet: 0, failures: 0 };

/**
 * @param {Pace} pace
 * @param {"changed" | "unchanged" | "failed"} outcome of the last request
 * @returns {Pace}
 */
export function next(pace, outcome) {
  if (outcome === "failed") return { ...pace, failures: pace.failures + 1 };
  return { quiet: outcome === "changed" ? 0 : pace.quiet + 1, failures: 0 };
}

/**
 * @param {Pace} pace
 * @param {object} limits
 * @param {number} [limits.fastest] ms at least, for what is dear to read
 * @param {number} [limits.retryAfter] seconds that the server asked for
 * @param {number} [limits.random] 0 to 1: pages that failed together do not come back together
 * @returns {number} ms until the next request
 */
export function delay(pace, { fastest = 1000, retryAfter = 0, random = 0 } = {}) {
  if (pace.failures > 0) {
    const backoff = Math.min(LONGEST, 2 ** pace.failures) * (1 + random / 2);
    return 1000 * Math.max(backoff, retryAfter);
  }
  return Math.max(fastest, 1000 * STEPS[Math.min(pace.quiet, STEPS.length - 1)]);
}

/** Whether to ask again after such an answer: not if the request itself is wrong. */
export function passes(status) {
  return status === 0 || status === 429 || status >= 500;
}
