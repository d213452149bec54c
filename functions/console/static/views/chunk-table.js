import { html, useState } from "../vendor/htm/standalone.module.js";
import { between, count, duration } from "../core/format.js";
import { Status, Time } from "./parts.js";

const PAGE = 100;
const COLUMNS = ["Chunk", "Sub-tasks", "Status", "Attempt", "Succeeded", "Failed", "Began", "Took"];

/** The strip in words, to read aloud or to copy. */
export function ChunkTable({ chunks, at }) {
  const [open, setOpen] = useState(false);
  const [page, setPage] = useState(0);
  const last = Math.max(0, Math.ceil(chunks.length / PAGE) - 1);
  const shown = chunks.slice(page * PAGE, (page + 1) * PAGE);
  return html`<details class="as-table" onToggle=${(event) => setOpen(event.target.open)}>
    <summary>As a table</summary>
    ${open && html`<div class="scroll" tabindex="0" role="group" aria-label="Chunks as a table"><table class="plain">
      <thead><tr>${COLUMNS.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
      <tbody>${shown.map((chunk) => html`<${Row} key=${chunk.number} chunk=${chunk} at=${at} />`)}</tbody>
    </table></div>
    ${last > 0 && html`<div class="pager">
      <button type="button" disabled=${page === 0} onClick=${() => setPage(page - 1)}>Back</button>
      <span class="hint">Page ${page + 1} of ${last + 1}</span>
      <button type="button" disabled=${page === last} onClick=${() => setPage(page + 1)}>Next</button>
    </div>`}`}
  </details>`;
}

function Row({ chunk, at }) {
  const { number, first, count: size, status, attempt, succeeded, failed, startedAt, finishedAt } = chunk;
  const runs = status === "PROCESSING" || finishedAt;
  return html`<tr>
    <th scope="row" class="number">${number}</th><td class="number">${first}–${first + size - 1}</td><td><${Status}
      status=${status} /></td>
    <td class="number">${attempt}</td><td class="number">${count(succeeded)}</td><td
      class=${failed > 0 ? "number bad" : "number"}>${count(failed)}</td>
    <td>${startedAt ? html`<${Time} iso=${startedAt} at=${at} />` : "–"}</td><td class="number">
      ${startedAt && runs ? duration(between(startedAt, finishedAt, at)) : "–"}</td>
  </tr>`;
}
