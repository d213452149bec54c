/** The time line of a task's statuses. */

import { html } from "../vendor/htm/standalone.module.js";
import { between, duration } from "../core/format.js";
import { described, ended } from "../core/status.js";
import { Icon } from "./icons.js";
import { Time, useNow } from "./parts.js";
import { Who } from "./facts.js";

export function History({ task }) {
  const at = useNow(1000);
  const changes = task.history ?? [];
  return html`<section class="card" aria-labelledby="history-title">
    <h2 id="history-title">History</h2>
    <ol class="history">${changes.map((change, index) => html`<${Change} key=${`${index} ${change.at}`} change=${change}
      next=${changes[index + 1]} at=${at} />`)}</ol>
  </section>`;
}

function Change({ change, next, at }) {
  const { label, tone } = described(change.status);
  const last = next === undefined && ended(change.status);
  return html`<li class=${`change tone-${tone}`}>
    <span class="mark"><${Icon} name=${change.status} /></span>
    <div>
      <div class="change-head"><b>${label}</b>
        ${change.attempt > 0 && html` <span class="hint">attempt ${change.attempt}</span>`}
        <span class="space"></span>${!last && html`<span class="hint" title="How long this status lasted">
          ${duration(between(change.at, next?.at, at))}</span>`}</div>
      <div class="hint"><${Time} iso=${change.at} at=${at} />
        ${change.by && html` · by <${Who} sub=${change.by} />`}</div>
      ${change.reason && html`<div class="reason" dir="auto">
        ${change.status === "PROCESSING" && "The attempt before: "}${change.reason}</div>`}
    </div>
  </li>`;
}
