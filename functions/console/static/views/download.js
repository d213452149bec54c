/** Results as a file. */

import { html, useState } from "../vendor/htm/standalone.module.js";
import { linked, request, taskPath } from "../api.js";
import { count } from "../core/format.js";
import { complain } from "../messages.js";
import { Icon } from "./icons.js";
import { Dialog, Link } from "./parts.js";

/** @param {{task: object}} props */
export function Download({ task }) {
  const [state, setState] = useState("");
  const [links, setLinks] = useState(undefined);
  const start = async () => {
    setState("Preparing…");
    try {
      if (task.kind === "TASK") await saveSingle(task);
      else await saveAll(task, setState, setLinks);
    } catch (error) {
      complain(error);
    }
    setState("");
  };
  return html`<button type="button" data-testid="download-results" disabled=${state !== ""} onClick=${start}><${Icon}
    name="download" /> ${state || (task.kind === "TASK" ? "Download result" : "Download results")}</button>
    ${links && html`<${Links} links=${links} close=${() => setLinks(undefined)} />`}`;
}

async function saveSingle(task) {
  const { result, resultUrl } = task.attributes;
  const text = resultUrl === undefined ? `${JSON.stringify(result, null, 2)}\n` : await large(task);
  save([text], `result-${task.code}.json`, "application/json");
}

/** Links work for 15 minutes, and the page may be older. */
async function large(task) {
  const { data } = await request(taskPath(task.type, task.code));
  return linked(data.attributes.resultUrl);
}

/** One file of all objects, in order. Blobs are the browser's to keep, on its disk if need be. */
async function saveAll(task, tell, offer) {
  const { data } = await request(taskPath(task.type, task.code, "/results"));
  const parts = [];
  for (const link of data.items) {
    tell(`${count(parts.length + 1)} of ${count(data.items.length)}…`);
    try {
      parts.push(await linked(link.url));
    } catch {
      offer(data.items);
      return;
    }
  }
  save(parts, `results-${task.code}.jsonl`, "application/x-ndjson");
}

function save(parts, name, type) {
  const url = URL.createObjectURL(new Blob(parts, { type }));
  const link = Object.assign(document.createElement("a"), { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** If the bucket does not let this page read, its user still may. */
function Links({ links, close }) {
  return html`<${Dialog} title="Results" close=${close}>
    <p>The browser could not read the bucket from this page. These links work for 15 minutes:</p>
    <ul class="links">${links.map((link) => html`<li key=${link.first}><${Link} href=${link.url}>
      ${rangeOf(link)}<//></li>`)}</ul>
    <div class="dialog-actions"><button type="button" onClick=${close}>Close</button></div>
  <//>`;
}

function rangeOf({ first, count: size }) {
  return `Sub-tasks ${count(first)} to ${count(first + Math.max(size, 1) - 1)}`;
}
