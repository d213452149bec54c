/** The meaning of a text in the search field. Pure. */

const CODE = /[0-9A-HJKMNP-TV-Z]{26}/i;
const NAMED = /([A-Za-z0-9][A-Za-z0-9_.-]{0,63})[/#]([0-9A-HJKMNP-TV-Z]{26})/i;

/**
 * A code may come alone, as type/code, as the id of a message (TASK#mbc#cat#01K…) or inside the address of a page.
 * @param {string} text
 * @returns {{code?: string, taskType?: string, words: string}}
 */
export function understood(text) {
  const named = NAMED.exec(text);
  if (named) return { taskType: named[1], code: named[2].toUpperCase(), words: "" };
  const code = CODE.exec(text);
  if (code) return { code: code[0].toUpperCase(), words: "" };
  return { words: text.trim().toLowerCase() };
}

/** Whether a row has all the words somewhere in its name, type or code. */
export function matches(task, words) {
  const text = `${task.name} ${task.type} ${task.code}`.toLowerCase();
  return words.split(/\s+/).every((word) => text.includes(word));
}
