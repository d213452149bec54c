/** The sub-tasks of a fan-out, a page at a time. */

import { html, useEffect, useState } from "../vendor/htm/standalone.module.js";
import { taskPath, withQuery } from "../api.js";
import { between, count, duration, shortened } from "../core/format.js";
import { STATUSES, ended } from "../core/status.js";
import { usePolled } from "../poll.js";
import { Choice } from "./filters.js";
import { Icon } from "./icons.js";
import { Link, Status, Time, Trouble, useNow } from "./parts.js";
import { Json } from "./payload.js";

const PAGE = 25;
/** Statuses of a sub-task: before its end it has its parent's. */
const CHOICES = ["COMPLETED", "FAILED", "CREATED", "CANCELLED"].map((status) => [status, STATUSES[status].label]);

/** @param {{task: object, counts: {failed: number}}} props */
export function SubTasks({ task, counts }) {
  const [status, setStatus] = useState("");
  const [cursors, setCursors] = useState([]);
  const cursor = cursors.at(-1);
  const path = withQuery(taskPath(task.type, task.code, "/sub-tasks"), { status, limit: PAGE, cursor });
  const { data, error, retryIn, refresh } = usePolled(path, { over: () => ended(task.status), fastest: 2000 });
  useEffect(refresh, [task.status, task.run, counts.failed]);
  const choose = (chosen) => {
    setStatus(chosen);
    setCursors([]);
  };
  const turn = (to) => () => setCursors(to);
  return html`<section class="card" aria-labelledby="sub-tasks-title">
    <div class="card-head"><h2 id="sub-tasks-title">Each sub-task</h2><span class="space"></span>
      ${counts.failed > 0 && status !== "FAILED" && html`<button type="button" class="small danger"
        onClick=${() => choose("FAILED")}>Show the ${count(counts.failed)} failed</button>`}
      <${Choice} label="Status" value=${status} options=${CHOICES}
        onChange=${(event) => choose(event.target.value)} /></div>
    ${error && html`<${Trouble} error=${error} retryIn=${retryIn} again=${refresh} />`}
    ${data && html`<${Table} items=${data.items} more=${data.cursor} />`}
    ${!data && !error && html`<p class="hint" role="status">Loading…</p>`}
    ${(cursors.length > 0 || data?.cursor) && html`<div class="pager">
      <button type="button" disabled=${cursors.length === 0} onClick=${turn(cursors.slice(0, -1))}><${Icon}
        name="back" /> Back</button>
      <span class="hint">Page ${cursors.length + 1}</span>
      <button type="button" disabled=${!data?.cursor} onClick=${turn([...cursors, data?.cursor])}>Next <${Icon}
        name="forth" /></button>
    </div>`}
  </section>`;
}

function Table({ items, more }) {
  const at = useNow(5000);
  if (items.length === 0) return html`<p class="hint">${more ? "None on this page. Go on." : "None."}</p>`;
  return html`<table class="sub-tasks" role="table" aria-label="Sub-tasks">
    <thead role="rowgroup"><tr role="row">
      ${["Index", "Status", "Attempt", "Took", "Outcome"].map((name) => html`<th role="columnheader" scope="col">
        ${name}</th>`)}
    </tr></thead>
    <tbody role="rowgroup">${items.map((item) => html`<${Row} key=${item.index} item=${item} at=${at} />`)}</tbody>
  </table>`;
}

function Row({ item, at }) {
  const [open, setOpen] = useState(false);
  const took = item.startedAt && item.finishedAt ? duration(between(item.startedAt, item.finishedAt, at)) : "–";
  return html`<tr role="row" data-testid="sub-task-row" data-index=${item.index} data-status=${item.status}>
      <td role="cell" class="number">${item.index}</td>
      <td role="cell"><${Status} status=${item.status} /></td>
      <td role="cell" class="number"><span class="in-card">Attempt </span>${item.attempt}</td>
      <td role="cell" class="number" title=${item.startedAt ?? ""}>${took}</td>
      <td role="cell" class="outcome">
        <button type="button" class="unfold" aria-expanded=${String(open)} onClick=${() => setOpen(!open)}>
          <${Icon} name="forth" /> <span class=${item.attributes.error ? "bad" : ""} dir="auto">${summary(item)}</span>
        </button>
      </td>
    </tr>
    ${open && html`<tr role="row" class="details"><td role="cell" colspan="5"><${Details} item=${item}
      at=${at} /></td></tr>`}`;
}

function summary({ input, attributes }) {
  const { error, result, resultUrl } = attributes;
  if (error) return shortened(`${error.type}: ${error.message}`, 160);
  if (resultUrl) return "a large result";
  if (result !== undefined && result !== null) return shortened(JSON.stringify(result), 160);
  return shortened(`input: ${JSON.stringify(input) ?? "…"}`, 160);
}

function Details({ item, at }) {
  const { error, result, resultUrl } = item.attributes;
  return html`
    ${item.startedAt && html`<p class="hint"><${Time} iso=${item.startedAt} at=${at} /> – <${Time}
      iso=${item.finishedAt} at=${at} /></p>`}
    ${error && html`<h3>Error</h3><pre class="message" role="group" tabindex="0" aria-label="Error message">
      ${error.type}: ${error.message}</pre>`}
    ${resultUrl && html`<p><${Link} href=${resultUrl}>Open the result<//></p>`}
    ${result !== undefined && html`<h3>Result</h3><${Json} text=${JSON.stringify(result, null, 2)} label="Result" />`}
    <h3>Input</h3>${item.inputUrl
      ? html`<p><${Link} href=${item.inputUrl}>Open the whole input<//></p>`
      : html`<${Json} text=${JSON.stringify(item.input, null, 2) ?? ""} label="Input" />`}`;
}
