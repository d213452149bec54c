/** The server's time: this machine's clock may be wrong, and ages and running bars with it. */

let ahead = 0;

/** @returns {number} ms since 1970 */
export function now() {
  return Date.now() + ahead;
}

/** @param {string | null} date the header of an answer, which knows whole seconds only */
export function observe(date) {
  const offset = Date.parse(date ?? "") - Date.now();
  if (Number.isNaN(offset)) return;
  ahead = Math.abs(offset) > 2000 ? offset : 0;
}
