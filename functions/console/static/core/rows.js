/** The rows of the list while it moves. Pure. */

/**
 * Rows that newer ones pushed out of the live page go on to the older ones, so that the list has no gap.
 * @param {object[]} before the live page as it was
 * @param {object[]} after as it is
 * @param {object[]} older rows that follow it
 * @returns {object[]} the older rows from now on
 */
export function pushedOut(before, after, older) {
  const live = new Set(after.map((task) => task.id));
  const anchor = before.findLastIndex((task) => live.has(task.id));
  const out = anchor === -1 ? [] : before.slice(anchor + 1);
  return withoutDoubles([...out, ...older], live);
}

/** Unknown rows, each one once. */
export function withoutDoubles(rows, known = new Set()) {
  const seen = new Set(known);
  return rows.filter((task) => !seen.has(task.id) && seen.add(task.id));
}

/**
 * What changed, in words for a screen reader: statuses, never a percent.
 * @returns {string[]}
 */
export function announcements(before, after, label) {
  const known = new Map(before.map((task) => [task.id, task.status]));
  return after
    .filter((task) => known.has(task.id) && known.get(task.id) !== task.status)
    .map((task) => `${task.name}: ${label(task.status)}`);
}
