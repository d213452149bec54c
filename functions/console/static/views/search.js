/** Search: a code leads to its task, words narrow the loaded rows. */

import { html, useState } from "../vendor/htm/standalone.module.js";
import { request, taskPath, taskTypes } from "../api.js";
import { taskAddress } from "../core/route.js";
import { understood } from "../core/search.js";
import { Icon } from "./icons.js";

/** @param {{rows: object[], types: string[], words: string, setWords: (words: string) => void}} props */
export function Search({ rows, types, words, setWords }) {
  const [text, setText] = useState(words);
  const [answer, setAnswer] = useState("");
  const change = (event) => {
    setText(event.target.value);
    setAnswer("");
    setWords(understood(event.target.value).words);
  };
  const submit = async (event) => {
    event.preventDefault();
    const { code, taskType } = understood(text);
    if (!code) return;
    setAnswer("Looking…");
    setAnswer(await find(code, taskType, rows, types));
  };
  return html`<form class="search" role="search" onSubmit=${submit}>
    <label><span class="hidden-text">Search by code, name or type</span><${Icon} name="search" />
      <input type="search" value=${text} onInput=${change} placeholder="Code, or words of a name" spellcheck=${false}
        autocomplete="off" aria-describedby="search-answer" />
    </label>
    <button type="submit" class="hidden-text">Search</button>
    <p id="search-answer" class="answer" role="status">${answer}</p>
  </form>`;
}

/** The API finds a task by its type and code. For a code alone, every known type is tried. */
async function find(code, taskType, rows, seen) {
  const shown = rows.find((task) => task.code === code);
  if (shown) return goTo(shown);
  const candidates = taskType ? [taskType] : await candidatesOf(seen);
  const found = await Promise.all(candidates.map((type) => look(type, code)));
  const task = found.find((one) => typeof one === "object");
  if (task) return goTo(task);
  const failed = found.find((one) => typeof one === "string");
  if (failed) return failed;
  if (candidates.length === 0) return "No task type is known here. Search for type/code.";
  const types = `${candidates.length === 1 ? "type" : "the types"} ${candidates.join(", ")}`;
  return `No task ${code} of ${types}. Of another type? Search for type/code.`;
}

async function candidatesOf(seen) {
  const known = await taskTypes().catch(() => ({ items: [] }));
  return [...new Set([...known.items.map((item) => item.taskType), ...seen])];
}

/** @returns {Promise<object | string | undefined>} the task; an error's text; nothing if it is not there */
async function look(type, code) {
  try {
    return (await request(taskPath(type, code))).data;
  } catch (error) {
    return error.status === 404 ? undefined : error.message;
  }
}

function goTo(task) {
  location.hash = taskAddress(task);
  return "";
}
