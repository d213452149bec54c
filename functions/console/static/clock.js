/** The server's time: ages and running bars would be wrong by as much as the clock of this machine is. */

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
