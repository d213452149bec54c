/** One task: what it is, how far it is, what came out, and what can be done with it. */

import { html, useEffect } from "../vendor/htm/standalone.module.js";
import { taskPath } from "../api.js";
import { KINDS, countsOf, ended, progressOf, silentFor, waitsFor } from "../core/status.js";
import { age, percent } from "../core/format.js";
import { usePolled } from "../poll.js";
import { Actions } from "./actions.js";
import { loadChunks } from "./chunks.js";
import { Counts } from "./counts.js";
import { Facts } from "./facts.js";
import { History } from "./history.js";
import { Heading, Live, Progress, Status, Trouble, useAnnounced, useNow } from "./parts.js";
import { Payload } from "./payload.js";
import { Strip } from "./strip.js";
import { SubTasks } from "./sub-tasks.js";

/** @param {{taskType: string, code: string}} props */
export function TaskPage({ taskType, code }) {
  const over = (found) => ended(found.status);
  const { data: task, error, retryIn, refresh } = usePolled(taskPath(taskType, code), { over });
  useAnnounced(task?.name ?? "", task?.status);
  if (!task) return html`<${Nothing} taskType=${taskType} code=${code} error=${error} retryIn=${retryIn}
    refresh=${refresh} />`;
  return html`<section class="page">
    <nav class="crumbs" aria-label="Way back"><a href="#/">Tasks</a> / <bdi>${task.type}</bdi></nav>
    <div class="title-row">
      <${Heading} title=${task.name} />
      <${Live} error=${error} retryIn=${retryIn} over=${ended(task.status)} />
    </div>
    <div class="title-row second">
      <${Status} status=${task.status} testid="task-status" />
      <span class="kind">${KINDS[task.kind]}</span>
      <span class="space"></span>
      <${Actions} task=${task} changed=${refresh} />
    </div>
    ${error && html`<${Trouble} error=${error} retryIn=${retryIn} again=${refresh} />`}
    <div class="columns">
      <div class="main-column">
        <${TaskError} error=${task.attributes.error} />
        ${task.kind === "SFN_TASK" ? html`<${FanOut} task=${task} />` : html`<${Single} task=${task} />`}
      </div>
      <aside class="side-column" aria-label="About this task">
        <${Facts} task=${task} />
        <${History} task=${task} />
      </aside>
    </div>
  </section>`;
}

function Nothing({ taskType, code, error, retryIn, refresh }) {
  if (!error) return html`<section class="page"><${Heading} title=${taskType} /><p class="centre"
    role="status">Loading…</p></section>`;
  const missing = error.status === 404;
  return html`<section class="page">
    <${Heading} title=${missing ? "No such task" : taskType} />
    ${missing
      ? html`<p>Your tenant has no task <code>${code}</code> of type <code>
        ${taskType}</code>. It may have been deleted after its retention.</p><p><a href="#/">All tasks</a></p>`
      : html`<${Trouble} error=${error} retryIn=${retryIn} again=${refresh} />`}
  </section>`;
}

function TaskError({ error }) {
  if (!error) return null;
  return html`<section class="card error" aria-labelledby="error-title">
    <h2 id="error-title">Error</h2>
    <p><b class="code">${error.type}</b></p>
    <pre class="message" role="group" tabindex="0" aria-label="Error message">${error.message}</pre>
  </section>`;
}

/** How often all chunks of a large fan-out are read: a read of 1,000 chunks is some hundred times that of a task. */
const FEW = 200;

function FanOut({ task }) {
  const over = ended(task.status);
  const many = (task.attributes.subTaskCount ?? 0) > FEW;
  const path = taskPath(task.type, task.code, "/chunks");
  const options = { over: () => over, fastest: many ? 5000 : 2000, load: (etag) => loadChunks(path, etag) };
  const { data, error, refresh } = usePolled(path, options);
  const chunks = data?.items ?? [];
  useEffect(refresh, [task.status, task.run]);
  const counts = countsOf(task, chunks);
  return html`
    <${Counts} task=${task} counts=${counts} known=${chunks.length > 0} />
    <${Strip} chunks=${chunks} over=${over} error=${error} />
    <${Payload} title="Result" value=${task.attributes.result} url=${task.attributes.resultUrl}
      none=${noResult(task)} />
    <${SubTasks} task=${task} counts=${counts} />
    <${Payload} title="Input" value=${task.input} url=${task.inputUrl} folded=${true} none="None." />`;
}

function Single({ task }) {
  const { progress, result, resultUrl } = task.attributes;
  const at = useNow(1000);
  const [silent, waits] = [silentFor(task, at), waitsFor(task, at)];
  return html`
    ${progress !== undefined && html`<section class="card" aria-labelledby="progress-title">
      <h2 id="progress-title">Progress</h2>
      <${Progress} share=${progressOf(task)} label="Progress"
        tone=${task.status === "COMPLETED" ? "good" : "running"} />
      <p class="beside">${percent(progressOf(task))}</p>
    </section>`}
    ${task.nextAttemptAt && !ended(task.status) && html`<p
      class="notice tone-warning">The next attempt is due ${due(task.nextAttemptAt, at)}.</p>`}
    ${silent !== undefined && html`<p class="notice tone-warning">No sign of life for ${age(silent)}: its worker
      is believed dead. The next attempt begins within a minute, if there is one left.</p>`}
    ${waits !== undefined && html`<p class="notice tone-warning">It has waited for a worker for ${age(waits)}.
      If workers could not start and can again, cancel and retry it; by itself it begins within 15 minutes.</p>`}
    <${Payload} title="Result" value=${result} url=${resultUrl} none=${noResult(task)} />
    <${Payload} title="Input" value=${task.input} url=${task.inputUrl} none="None." />`;
}

function due(iso, at) {
  const seconds = Math.ceil((Date.parse(iso) - at) / 1000);
  return seconds > 0 ? `in ${seconds} s` : "now";
}

function noResult(task) {
  if (task.status === "COMPLETED") return "The handler returned nothing.";
  return ended(task.status) ? "None: the task did not complete." : "Not yet.";
}
