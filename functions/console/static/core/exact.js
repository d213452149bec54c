/** JSON whose numbers keep all of their digits: those of other languages are larger than JavaScript's. Pure. */

/** A number that JavaScript cannot hold, as it was written. To a form, it is none of its values. */
class Exact {
  constructor(source) {
    this.source = source;
  }

  toString() {
    return this.source;
  }

  /** As it was written, and not in quotes. */
  toJSON() {
    return JSON.rawJSON(this.source);
  }
}

/** Browsers before 2025 do not give a number's text: there, it stays rounded. */
const KNOWN = "rawJSON" in JSON;

/** `JSON.parse`, but for numbers beyond 53 bits. `JSON.stringify` writes them as they came. @param {string} text */
export function parse(text) {
  return KNOWN ? JSON.parse(text, exactly) : JSON.parse(text);
}

function exactly(_, value, { source }) {
  return typeof value === "number" && Math.abs(value) > Number.MAX_SAFE_INTEGER ? new Exact(source) : value;
}
