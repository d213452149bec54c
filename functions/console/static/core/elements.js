/** Inputs as text, and requests made of them. Pure. */

import { parse } from "./exact.js";

/** The largest body of a request, in bytes. */
export const MOST_BYTES = 3_000_000;

/**
 * Elements as a JSON list, or as JSON Lines. The text is kept as it is: numbers keep all of their digits.
 * @param {string} text
 * @returns {{input?: string, count: number, problem?: string}} `input` is JSON
 */
export function elementsOf(text) {
  const whole = parsed(text);
  if (Array.isArray(whole.value)) return { input: text.trim(), count: whole.value.length };
  const numbered = text.split(/\r?\n/).map((line, index) => ({ line: line.trim(), number: index + 1 }));
  const lines = numbered.filter(({ line }) => line);
  if (lines.length === 0) return { count: 0, problem: "There is no element yet." };
  for (const { line, number } of lines) {
    const { problem } = parsed(line);
    if (problem) return { count: 0, problem: `Line ${number} is not JSON: ${problem}` };
  }
  return { input: `[${lines.map(({ line }) => line).join(",")}]`, count: lines.length };
}

/** @returns {{input?: string, problem?: string}} the input of a single task */
export function inputOf(text) {
  const { problem } = parsed(text);
  return problem ? { problem: `This is not JSON: ${problem}` } : { input: text.trim() };
}

function parsed(text) {
  try {
    return { value: parse(text) };
  } catch (error) {
    return { problem: error.message };
  }
}

/**
 * The body of a request that creates a task.
 * @param {{taskType: string, name: string}} task
 * @param {{input?: string, inputRef?: string}} source `input` is JSON
 */
export function bodyOf({ taskType, name }, { input, inputRef }) {
  const fields = { taskType, ...(name ? { name } : {}), ...(inputRef ? { inputRef } : {}) };
  const text = JSON.stringify(fields);
  return input === undefined ? text : `${text.slice(0, -1)},"input":${input}}`;
}

/** The format of an upload by its name, or nothing for a file that the API does not read. */
export function formatOf(name) {
  if (/\.(jsonl|ndjson)$/i.test(name)) return "jsonl";
  return /\.csv$/i.test(name) ? "csv" : undefined;
}
