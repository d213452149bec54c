/**
 * What is typed into a form, and the value it stands for. Pure.
 *
 * A draft is text for text, numbers, choices (the option's place) and JSON; a boolean or undefined; for an object
 * `{given, fields}`; for a list an array. The value of what was left out is `undefined`.
 */

import { parse } from "./exact.js";

/** @param {import("./schema.js").Field} field @param {any} [value] what it is filled with */
export function draftOf(field, value = field.preset) {
  switch (field.kind) {
    case "constant":
      return undefined;
    case "boolean":
      return value ?? (field.required && !field.nullable ? false : undefined);
    case "choice":
      return choiceOf(field, value);
    case "object":
      return objectDraft(field, value);
    case "list":
      return Array.isArray(value) ? value.map((item) => draftOf(field.item, item)) : [];
    case "json":
      return value === undefined ? "" : JSON.stringify(value, null, 2);
    default:
      return value === undefined || value === null ? "" : written(field, value);
  }
}

function choiceOf({ options }, value) {
  const place = options.findIndex((option) => JSON.stringify(option) === JSON.stringify(value));
  return place === -1 ? "" : String(place);
}

function objectDraft({ fields, required, nullable }, value) {
  const given = value !== undefined && value !== null;
  const drafts = fields.map(({ name, field }) => [name, draftOf(field, given ? value[name] : field.preset)]);
  return { given: given || (required && !nullable), fields: Object.fromEntries(drafts) };
}

/** A date-time is typed in the reader's zone, by a control that knows none. */
function written(field, value) {
  if (field.format !== "date-time") return String(value);
  const at = new Date(value);
  if (Number.isNaN(at.getTime())) return String(value);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 23);
}

/**
 * @param {import("./schema.js").Field} field
 * @returns {{value: any, problems: Record<string, string>}} problems by path: `place.latitude`, `[17].name`
 */
export function valueOf(field, draft) {
  const problems = {};
  const value = read(field, draft, "", problems);
  return { value, problems };
}

function read(field, draft, path, problems) {
  if (field.kind === "constant") return field.value;
  if (field.kind === "object") return readObject(field, draft, path, problems);
  if (field.kind === "list") return readList(field, draft, path, problems);
  if (draft === "" || draft === undefined) return missing(field, path, problems);
  const { value, problem } = READ[field.kind](draft, field);
  const wrong = problem ?? broken(field, value);
  if (wrong) problems[path] = wrong;
  return value;
}

function missing(field, path, problems) {
  if (!field.required) return undefined;
  if (field.nullable) return null;
  problems[path] = "is missing";
  return undefined;
}

const READ = {
  text: (draft, { format }) => (format === "date-time" ? instantOf(draft) : { value: draft }),
  number: (draft) => numberOf(draft, Number.isFinite, "is not a number"),
  integer: (draft) => numberOf(draft, Number.isInteger, "is not a whole number"),
  boolean: (draft) => ({ value: draft }),
  choice: (draft, { options }) => ({ value: options[Number(draft)] }),
  json: (draft) => jsonOf(draft),
};

function instantOf(draft) {
  const at = new Date(draft);
  if (Number.isNaN(at.getTime())) return { value: draft, problem: "is not a time" };
  return { value: at.toISOString().replace(".000Z", "Z") };
}

function numberOf(draft, allowed, problem) {
  const value = draft.trim() === "" ? NaN : Number(draft);
  if (!allowed(value)) return { value: draft, problem };
  // A number of JavaScript has 53 bits. The form must never send a rounded one.
  const large = Math.abs(value) > Number.MAX_SAFE_INTEGER;
  return large ? { value, problem: "is too large for this form; write the input as JSON" } : { value };
}

function jsonOf(draft) {
  try {
    return { value: parse(draft) };
  } catch (error) {
    return { value: draft, problem: `is not JSON: ${error.message}` };
  }
}

function readObject(field, draft, path, problems) {
  if (!draft.given) return missing(field, path, problems);
  const readOne = ({ name, field: inner }) => [name, read(inner, draft.fields[name], joined(path, name), problems)];
  const entries = field.fields.map(readOne);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

function readList(field, draft, path, problems) {
  if (draft.length === 0 && !field.required) return undefined;
  const wrong = broken(field, draft);
  if (wrong) problems[path] = wrong;
  return draft.map((item, index) => read(field.item, item, `${path}[${index}]`, problems) ?? null);
}

/** The commonest limits, while the user types. The API checks all of them. */
function broken({ kind, rules }, value) {
  if (kind === "text") return outside([...value].length, rules.minLength, rules.maxLength, "characters");
  if (kind === "list") return outside(value.length, rules.minItems, rules.maxItems, "entries");
  if (kind !== "number" && kind !== "integer") return undefined;
  if (value <= rules.exclusiveMinimum) return `must be more than ${rules.exclusiveMinimum}`;
  if (value >= rules.exclusiveMaximum) return `must be less than ${rules.exclusiveMaximum}`;
  return outside(value, rules.minimum, rules.maximum, "");
}

function outside(number, least, most, unit) {
  const words = unit && ` ${unit}`;
  if (number < least) return `must be at least ${least}${words}`;
  if (number > most) return `must be at most ${most}${words}`;
  return undefined;
}

export const joined = (path, name) => (path ? `${path}.${name}` : name);

/** Whether a form can show the value without losing or changing any of it. It may be wrong: the form says so. */
export function fits(field, value) {
  return same(valueOf(field, draftOf(field, value)).value, value);
}

/** Objects are equal in any order of their names. */
function same(one, other) {
  if (typeof one !== "object" || typeof other !== "object" || !one || !other) return one === other;
  const names = Object.keys(one);
  const alike = Array.isArray(one) === Array.isArray(other) && names.length === Object.keys(other).length;
  return alike && names.every((name) => same(one[name], other[name]));
}

/**
 * Where the form shows a field of the API's `details`: `input[17].latitude` is `[17].latitude` here. What is not of the
 * input, such as `name`, has a # in front, as an input may have a field of that name.
 */
export function pathOf(detail) {
  if (!/^input(?=[.[]|$)/.test(detail)) return `#${detail}`;
  return detail.replace(/^input(?=[.[]|$)/, "").replace(/\.(\d+)(?=[.[]|$)/g, "[$1]").replace(/^\./, "");
}
