/** Facts of a task, a line each. */

import { html } from "../vendor/htm/standalone.module.js";
import { between, count, duration, usd } from "../core/format.js";
import { ended } from "../core/status.js";
import { session } from "../session.js";
import { Copy, Time, useNow } from "./parts.js";

export function Facts({ task }) {
  const at = useNow(1000);
  const over = ended(task.status);
  const end = over ? task.history?.at(-1)?.at ?? task.updatedAt : undefined;
  const facts = [
    ["Type", html`<bdi class="code">${task.type}</bdi>`],
    ["Code", html`<span class="code">${task.code}</span><${Copy} short=${true} text=${task.code}
      label="Copy the code" />`],
    ["Created", html`<${Time} iso=${task.createdAt} at=${at} />`],
    [over ? "Ended" : "Changed", html`<${Time} iso=${task.updatedAt} at=${at} />`],
    [over ? "Took" : "Runs for", duration(between(startOf(task), end, at))],
    ["By", html`<${Who} sub=${task.createdBy} />`],
    ...(task.kind === "TASK" ? [["Attempt", count(task.attempt)]] : []),
    ["Run", html`<span title=${`In the API, run ${task.run}: the first is 0`}>${runOf(task)}</span>`],
    ["Cost", html`<span title=${`Estimate in US dollars, prices of ${task.usage.pricesOf ?? "?"}`}>
      ${usd(task.usage.estimatedUsd)}</span> <span class="hint">estimated</span>`],
    ...(task.leaseUntil && !over ? [["Leased until", html`<${Time} iso=${task.leaseUntil} at=${at} />`]] : []),
    ...(task.expiresAt ? [["Kept until", html`<${Time} iso=${new Date(task.expiresAt * 1000).toISOString()}
      at=${at} />`]] : []),
  ];
  return html`<section class="card" aria-labelledby="facts-title">
    <h2 id="facts-title">Facts</h2>
    <dl class="facts">${facts.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>
      ${value}</dd></div>`)}</dl>
  </section>`;
}

/** Counted from 1. */
function runOf({ run }) {
  return run > 0 ? `${run + 1} (retried ${run === 1 ? "once" : `${run} times`})` : "1";
}

/** A retry begins anew: users ask for the time of its run. */
function startOf(task) {
  const begin = task.history?.findLast((change) => change.status === "CREATED");
  return begin?.at ?? task.createdAt;
}

/** Users are known by their `sub`, of which only the own one means something to its user. */
export function Who({ sub }) {
  if (!sub) return "–";
  if (sub === session.get().user?.sub) return "you";
  return html`<span class="code" title="The user's sub">${sub}</span>`;
}
