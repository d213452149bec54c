/** Actions on a task, as its status allows. */

import { html, useState } from "../vendor/htm/standalone.module.js";
import { act } from "../api.js";
import { count } from "../core/format.js";
import { newAddress } from "../core/route.js";
import { actionsOf, countsOf } from "../core/status.js";
import { complain, toast } from "../messages.js";
import { Download } from "./download.js";
import { Icon } from "./icons.js";
import { Dialog } from "./parts.js";

/** @param {{task: object, changed: () => void}} props */
export function Actions({ task, changed }) {
  const [asked, setAsked] = useState("");
  const [busy, setBusy] = useState(false);
  const { cancel, retry, results } = actionsOf(task);
  const fanOut = task.kind === "SFN_TASK";
  const run = async (action, words) => {
    setAsked("");
    setBusy(true);
    try {
      await act(task, action);
      toast(words, "good");
    } catch (error) {
      complain(error);
    }
    setBusy(false);
    changed();
    // The pressed button goes, and would take the focus along.
    document.querySelector("h1")?.focus();
  };
  return html`<div class="actions">
    ${results && html`<${Download} task=${task} />`}
    ${retry && html`<button type="button" data-testid="retry" disabled=${busy} onClick=${() => setAsked("retry")}>
      <${Icon} name="retry" /> ${fanOut ? "Retry failed only" : "Retry"}</button>`}
    <a class="button" href=${newAddress({ from: `${task.type}/${task.code}` })}><${Icon} name="again" /> Run again</a>
    ${cancel && html`<button type="button" class="danger" data-testid="cancel" disabled=${busy}
      onClick=${() => setAsked("cancel")}><${Icon} name="stop" /> Cancel</button>`}
    ${asked === "cancel" && html`<${Question} title="Cancel this task?" text=${cancelWords(task)} yes="Cancel the task"
      no="Keep it" danger=${true}
      answer=${(sure) => (sure ? run("cancel", "The task is cancelled.") : setAsked(""))} />`}
    ${asked === "retry" && html`<${Question} title=${fanOut ? "Retry failed only?" : "Retry this task?"}
      text=${retryWords(task)} yes="Retry" no="Not now"
      answer=${(sure) => (sure ? run("retry", "The task runs again.") : setAsked(""))} />`}
  </div>`;
}

function Question({ title, text, yes, no, danger = false, answer }) {
  return html`<${Dialog} title=${title} close=${() => answer(false)}>
    <p>${text}</p>
    <div class="dialog-actions">
      <button type="button" onClick=${() => answer(false)}>${no}</button>
      <button type="button" class=${danger ? "danger" : "primary"} data-testid="confirm" onClick=${() => answer(true)}>
        ${yes}</button>
    </div>
  <//>`;
}

function cancelWords(task) {
  const rest = task.kind === "SFN_TASK" ? " Results of sub-tasks that have ended stay." : "";
  const running = "A running handler is not interrupted, but its result is dropped.";
  return `${running}${rest} A cancelled task can be retried.`;
}

function retryWords(task) {
  if (task.kind !== "SFN_TASK") return "It starts anew, with the same input and as many attempts as its type allows.";
  const { failed, waiting, succeeded } = countsOf(task);
  const rest = failed + waiting > 0 ? `: ${count(failed + waiting)}` : "";
  const others = succeeded > 0 ? ` Results of the ${count(succeeded)} others stay.` : "";
  return `Only sub-tasks that did not complete run again${rest}.${others}`;
}
