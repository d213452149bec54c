/** Tasks as a table; on a narrow screen, as cards. */

import { html } from "../vendor/htm/standalone.module.js";
import { count, percent, usd } from "../core/format.js";
import { taskAddress } from "../core/route.js";
import { KINDS, ended, progressOf } from "../core/status.js";
import { Age, Progress, Silence, Status } from "./parts.js";

const COLUMNS = ["Status", "Name", "Type", "Progress", "Attempt", "Cost", "Age"];

/** @param {{rows: object[], at: number, empty: string}} props */
export function Rows({ rows, at, empty }) {
  if (rows.length === 0) return html`<p class="empty" role="status">${empty}</p>`;
  // Cards have display: grid, which takes the table out of a table for some screen readers: hence the roles.
  return html`<table class="tasks" role="table" aria-label="Tasks, newest first">
    <thead role="rowgroup"><tr role="row">
      ${COLUMNS.map((name) => html`<th role="columnheader" scope="col" class=${`column-${name.toLowerCase()}`}>
        ${name}</th>`)}
    </tr></thead>
    <tbody role="rowgroup">${rows.map((task) => html`<${Row} key=${task.id} task=${task} at=${at} />`)}</tbody>
  </table>`;
}

function Row({ task, at }) {
  const attempt = attemptOf(task);
  return html`<tr role="row" data-testid="task-row" data-code=${task.code} data-status=${task.status}>
    <td role="cell" class="column-status"><${Status} status=${task.status} testid="task-status" />
      <${Silence} task=${task} at=${at} /></td>
    <td role="cell" class="column-name"><a href=${taskAddress(task)} dir="auto">${task.name}</a></td>
    <td role="cell" class="column-type"><bdi>${task.type}</bdi> <span class="kind">${KINDS[task.kind]}</span></td>
    <td role="cell" class="column-progress"><${RowProgress} task=${task} /></td>
    <td role="cell" class="column-attempt"><span class="in-card">Attempt </span>${attempt}</td>
    <td role="cell" class="column-cost" title=${`Estimate in US dollars, prices of ${task.usage.pricesOf ?? "?"}`}>
      ${usd(task.usage.estimatedUsd)}</td>
    <td role="cell" class="column-age"><${Age} iso=${task.createdAt} at=${at} /></td>
  </tr>`;
}

/** A fan-out has no attempts itself: its sub-tasks have. */
function attemptOf({ attempt, run }) {
  return [attempt > 0 && attempt, run > 0 && `run ${run + 1}`].filter(Boolean).join(" · ") || "–";
}

/** A bar, if the progress is known: single tasks without a checkpoint report none. */
function RowProgress({ task }) {
  const { subTaskCount: total, subTaskFailedCount: failed = 0 } = task.attributes;
  const share = progressOf(task);
  if (total === undefined && (task.attributes.progress === undefined || ended(task.status))) return "";
  const tone = { COMPLETED: "good", FAILED: "muted", CANCELLED: "muted" }[task.status] ?? "running";
  return html`<${Progress} share=${share} failed=${total ? failed / total : 0} tone=${tone}
    label=${`Progress of ${task.name}`} />
    <span class="beside">${percent(share)}${total > 0 && html`<span
      class="of"> of ${count(total)}</span>`}${failed > 0 && html`<span
        class="bad"> · ${count(failed)} failed</span>`}</span>`;
}
