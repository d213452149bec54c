/** Sub-tasks by outcome, as a bar and in numbers. */

import { html, useEffect, useRef } from "../vendor/htm/standalone.module.js";
import { count, percent } from "../core/format.js";
import { ended } from "../core/status.js";

/** @param {{task: object, counts: object, known: boolean}} props `known`: whether running ones are known */
export function Counts({ task, counts, known }) {
  const over = ended(task.status);
  const { succeeded, failed, running, waiting, total } = counts;
  const share = total ? (succeeded + failed) / total : task.status === "COMPLETED" ? 1 : 0;
  const parts = [
    ["succeeded", "Succeeded", succeeded],
    ["failed", "Failed", failed],
    ...(known && !over ? [["running", "Running", running]] : []),
    ["waiting", over ? "Not run" : known ? "Waiting" : "Running or waiting", waiting],
  ];
  return html`<section class="card" aria-labelledby="counts-title">
    <div class="card-head"><h2 id="counts-title">Sub-tasks</h2><span class="space"></span><b class="big">
      ${percent(share)}</b></div>
    <div class="counts-bar" data-testid="progress" role="progressbar" aria-label="Progress" aria-valuemin="0"
      aria-valuemax="100"
      aria-valuenow=${Math.floor(share * 100 + 1e-9)}>
      ${parts.map(([name, , number]) => html`<${Part} key=${name} name=${name} share=${total ? number / total : 0} />`)}
    </div>
    <dl class="counts" data-testid="counts">
      ${parts.map(([name, label, number]) => html`<div key=${name}
        class=${`count count-${name}${number > 0 ? "" : " zero"}`} data-count=${name}><dt><i class="swatch"></i>
          ${label}</dt><dd>${count(number)}</dd></div>`)}
      <div class="count"><dt>Total</dt><dd>${count(total)}</dd></div>
    </dl>
  </section>`;
}

/** The width comes by CSSOM, as the page's policy allows no style attribute. */
function Part({ name, share }) {
  const part = useRef(null);
  useEffect(() => part.current.style.setProperty("--share", share), [share]);
  return html`<span ref=${part} class=${`part part-${name}${share > 0 ? "" : " none"}`}></span>`;
}
