/** The lane and range of each chunk in the picture of chunks over time. Pure. */

/**
 * @typedef {object} Bar
 * @property {object} chunk
 * @property {number} start ms
 * @property {number} end ms; now for one that runs
 * @property {number} lane from 0
 * @property {"good" | "bad" | "running" | "muted"} tone
 */

/**
 * Bars that do not overlap share a lane, so that there are as many lanes as chunks ran at once.
 * @param {object[]} chunks
 * @param {number} now in ms
 * @returns {{bars: Bar[], lanes: number, start: number, end: number}}
 */
export function packed(chunks, now) {
  const bars = chunks
    .filter((chunk) => chunk.startedAt)
    .map((chunk) => barOf(chunk, now))
    .sort((one, other) => one.start - other.start || one.chunk.number - other.chunk.number);
  const free = [];
  for (const bar of bars) {
    const lane = free.findIndex((until) => until <= bar.start);
    bar.lane = lane === -1 ? free.length : lane;
    free[bar.lane] = bar.end;
  }
  const start = bars.length ? bars[0].start : now;
  const end = bars.reduce((latest, bar) => Math.max(latest, bar.end), start);
  return { bars, lanes: free.length, start, end };
}

function barOf(chunk, now) {
  const start = Date.parse(chunk.startedAt);
  const end = chunk.finishedAt ? Date.parse(chunk.finishedAt) : now;
  return { chunk, start, end: Math.max(start, end), lane: 0, tone: toneOf(chunk) };
}

/** A chunk with one failed sub-task is shown as bad: users look for failures. */
export function toneOf(chunk) {
  if (chunk.failed > 0 || chunk.status === "FAILED") return "bad";
  if (chunk.status === "COMPLETED") return "good";
  return chunk.finishedAt || chunk.status === "CANCELLED" ? "muted" : "running";
}

/**
 * Round places for the marks of a time axis.
 * @param {number} span ms
 * @param {number} most marks at most
 * @returns {number[]} ms since the start, the first is 0
 */
export function ticks(span, most) {
  const [second, minute, hour] = [1000, 60_000, 3_600_000];
  const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30].map((step) => step * second);
  steps.push(...[1, 2, 5, 10, 15, 30].map((step) => step * minute), ...[1, 2, 6, 12, 24].map((step) => step * hour));
  let step = steps.find((candidate) => span / candidate <= most) ?? steps.at(-1);
  while (span / step > most) step *= 2;
  return Array.from({ length: Math.floor(span / step) + 1 }, (_, index) => index * step);
}
