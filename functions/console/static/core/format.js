/** Numbers, times and money as people read them. Pure: the time now is passed in. */

const LOCALE = "en-GB";
const WHOLE = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 0 });
const CLOCK = new Intl.DateTimeFormat(LOCALE, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DAY = new Intl.DateTimeFormat(LOCALE, { day: "numeric", month: "short", year: "numeric" });

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAYS = 24 * HOUR;

/** @param {number} number @returns {string} with separators: 1,000 */
export function count(number) {
  return WHOLE.format(number);
}

/** "1 chunk", "1,000 chunks". */
export function counted(number, one, many = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : many}`;
}

/** @param {number} share 0 to 1. Rounded down, so that 100 % means complete. */
export function percent(share) {
  return `${Math.floor(Math.min(Math.max(share, 0), 1) * 100 + 1e-9)}%`;
}

/** How long something took, with two units at most. @param {number} ms */
export function duration(ms) {
  if (ms < SECOND) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 10 * SECOND) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`;
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`;
  if (ms < HOUR) return pair(ms, MINUTE, "min", SECOND, "s");
  if (ms < DAYS) return pair(ms, HOUR, "h", MINUTE, "min");
  return pair(ms, DAYS, "d", HOUR, "h");
}

function pair(ms, large, largeName, small, smallName) {
  const rest = Math.floor((ms % large) / small);
  return `${count(Math.floor(ms / large))} ${largeName}${rest ? ` ${rest} ${smallName}` : ""}`;
}

/** How long ago, with one unit: it is read at a glance. @param {number} ms */
export function age(ms) {
  if (ms < 5 * SECOND) return "now";
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`;
  if (ms < 2 * DAYS) return `${Math.floor(ms / HOUR)} h`;
  return `${count(Math.floor(ms / DAYS))} d`;
}

/**
 * US dollars. A task costs far less than a cent, and people compare tasks: two significant digits, no exponent.
 * @param {number} amount
 */
export function usd(amount) {
  if (!(amount > 0)) return "$0";
  if (amount >= 1) return `$${amount.toFixed(2)}`;
  const digits = Math.min(12, 1 - Math.floor(Math.log10(amount)));
  return `$${amount.toFixed(digits)}`;
}

/** @param {number} bytes */
export function bytes(bytes) {
  const units = ["B", "KB", "MB", "GB"];
  let size = bytes;
  while (size >= 1000 && units.length > 1) {
    size /= 1024;
    units.shift();
  }
  return `${size < 10 && units[0] !== "B" ? size.toFixed(1) : Math.round(size)} ${units[0]}`;
}

/** A time in the reader's zone; without the day if it is today's. @param {string} iso @param {number} now in ms */
export function time(iso, now) {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return iso;
  const day = DAY.format(at);
  return day === DAY.format(new Date(now)) ? CLOCK.format(at) : `${day}, ${CLOCK.format(at)}`;
}

/** Milliseconds between two ISO times, or until now where the second is missing. Never negative. */
export function between(start, end, now) {
  return Math.max(0, (end ? Date.parse(end) : now) - Date.parse(start));
}

/** Long text, cut in the middle of a line for a table. @param {string} text */
export function shortened(text, length) {
  const letters = Array.from(text);
  return letters.length <= length ? text : `${letters.slice(0, length - 1).join("")}…`;
}
