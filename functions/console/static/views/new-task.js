/** The page that creates a task. */

import { html, useEffect, useRef, useState } from "../vendor/htm/standalone.module.js";
import { linked, request, taskPath } from "../api.js";
import { Creation } from "../create.js";
import { pathOf } from "../core/draft.js";
import { percent } from "../core/format.js";
import { taskAddress } from "../core/route.js";
import { KINDS } from "../core/status.js";
import { complain, hush, toast } from "../messages.js";
import { useTaskTypes } from "./filters.js";
import { InputEditor, editorOf, sourceOf } from "./input-editor.js";
import { Heading, Trouble } from "./parts.js";

/** @param {{route: {from?: string}}} props `from` is type/code of a task to run again */
export function NewTask({ route }) {
  const types = useTaskTypes();
  const [pattern, error] = usePattern(route.from);
  return html`<section class="page form-page">
    <${Heading} title=${route.from ? "Run again" : "New task"} />
    ${error && html`<${Trouble} error=${error} />`}
    ${types && pattern && html`<${Form} types=${types} pattern=${pattern} />`}
    ${(!types || (!pattern && !error)) && html`<p class="centre" role="status">Loading…</p>`}
  </section>`;
}

/** The form's first content: nothing, or all of another task. */
function usePattern(from) {
  const [found, setFound] = useState(from ? [undefined, undefined] : [{}, undefined]);
  useEffect(() => {
    if (!from) return;
    load(...from.split("/", 2)).then((pattern) => setFound([pattern]), (error) => setFound([undefined, error]));
  }, [from]);
  return found;
}

async function load(taskType, code) {
  const { data: task } = await request(taskPath(taskType, code));
  const name = task.name === task.type ? "" : task.name;
  const pattern = { taskType: task.type, kind: task.kind, name, input: task.input };
  if (task.inputUrl === undefined) return pattern;
  const blob = await linked(task.inputUrl);
  if (task.kind === "TASK") return { ...pattern, text: await blob.text() };
  const format = new URL(task.inputUrl).pathname.endsWith(".csv") ? "csv" : "jsonl";
  return { ...pattern, file: new File([blob], `input.${format}`) };
}

/** The kinds that a type has handlers for; both, if the API does not know. */
function kindsOf(types, taskType) {
  const known = types.items.find((item) => item.taskType === taskType);
  return known?.kinds ?? Object.keys(KINDS);
}

function schemaOf(types, taskType, kind) {
  return types.items.find((item) => item.taskType === taskType)?.inputSchemas?.[kind];
}

function begin(types, { taskType = "", kind, name = "", input, text, file }) {
  const kinds = kindsOf(types, taskType);
  const chosen = kinds.includes(kind) ? kind : kinds[0];
  const editor = editorOf(schemaOf(types, taskType, chosen), chosen === "SFN_TASK", input);
  if (text !== undefined) Object.assign(editor, { mode: "text", text });
  if (file !== undefined) Object.assign(editor, { mode: "file", file });
  return { taskType, kind: chosen, name, editor };
}

function Form({ types, pattern }) {
  const [task, setTask] = useState(() => begin(types, pattern));
  const [problems, setProblems] = useState({});
  const [refused, setRefused] = useState(false);
  const [state, setState] = useState("");
  const creation = useRef(null);
  creation.current ??= new Creation();
  const choose = (changes) => {
    setProblems({});
    setTask(begin(types, { ...task, input: undefined, ...changes }));
  };
  const submit = async (event) => {
    event.preventDefault();
    if (creation.current.busy) return; // a double click: the page has not been drawn again yet
    hush();
    const { problems: found, ...source } = sourceOf(task.editor);
    const all = { ...(task.taskType ? {} : { "#taskType": "is missing" }), ...found };
    setProblems(all);
    if (Object.keys(all).length) return focusFirst();
    setState("Creating…");
    creation.current.busy = true;
    try {
      const tell = (share) => setState(`Sending the file: ${percent(share)}`);
      const made = await creation.current.send(task, source, tell);
      toast(`${made.name} is created.`, "good");
      location.hash = taskAddress(made);
    } catch (error) {
      setState("");
      setProblems(Object.fromEntries((error.details ?? []).map(({ field, message }) => [pathOf(field), message])));
      complain(error);
      focusFirst();
    }
    creation.current.busy = false;
  };
  return html`<form class="new-task" onSubmit=${submit} novalidate>
    <div class="card">
      <${TypeField} types=${types} value=${task.taskType} problem=${problems["#taskType"]}
        change=${(taskType) => choose({ taskType })} />
      <${KindField} kinds=${kindsOf(types, task.taskType)} value=${task.kind} change=${(kind) => choose({ kind })} />
      <div class="field">
        <label for="task-name">Name <span class="optional">optional</span></label>
        <input id="task-name" maxlength="256" value=${task.name} dir="auto"
          onInput=${(event) => setTask({ ...task, name: event.target.value })}
          aria-describedby="task-name-hint name-problem" aria-invalid=${problems["#name"] && "true"} />
        <p class="hint" id="task-name-hint">Shown in the list.</p>
        ${problems["#name"] && html`<p class="problem" id="name-problem">Name ${problems["#name"]}</p>`}
      </div>
    </div>
    <${InputEditor} editor=${task.editor} setEditor=${(editor) => setTask({ ...task, editor })} problems=${problems}
      refused=${refused} setRefused=${setRefused} />
    <div class="form-actions">
      <button class="primary" data-testid="create" aria-disabled=${state ? "true" : "false"}>
        ${state || "Create task"}</button>
      <a class="button quiet" href="#/">Discard</a>
    </div>
  </form>`;
}

/** After the next drawing, which marks the problems. */
function focusFirst() {
  setTimeout(() => document.querySelector('form.new-task [aria-invalid="true"]')?.focus());
}

function TypeField({ types, value, problem, change }) {
  const names = types.items.map((item) => item.taskType);
  const { description } = types.items.find((item) => item.taskType === value) ?? {};
  const wrong = problem ? "true" : undefined;
  const shared = { id: "task-type", "aria-invalid": wrong, "aria-describedby": "task-type-hint type-problem" };
  const all = value && !names.includes(value) ? [...names, value] : names;
  return html`<div class="field">
    <label for="task-type">Task type</label>
    ${types.complete
      ? html`<select ...${shared} onChange=${(event) => change(event.target.value)}>
          <option value="" selected=${value === ""}>Choose…</option>
          ${all.map((name) => html`<option value=${name} selected=${name === value}>${name}</option>`)}
        </select>`
      : html`<input ...${shared} list="task-types" value=${value} autocomplete="off" spellcheck=${false}
        onChange=${(event) => change(event.target.value.trim())} />
          <datalist id="task-types">${names.map((name) => html`<option value=${name}></option>`)}</datalist>`}
    <p class="hint" id="task-type-hint">${description ?? ""}</p>
    ${problem && html`<p class="problem" id="type-problem">Task type ${problem}</p>`}
  </div>`;
}

const MEANS = {
  TASK: "One input, one run of the handler.",
  SFN_TASK: "A list: the handler runs once for each element.",
};

function KindField({ kinds, value, change }) {
  return html`<fieldset class="field kinds">
    <legend>Kind</legend>
    ${kinds.map((kind) => html`<label key=${kind} class="kind-choice"><input type="radio" name="kind" value=${kind}
      checked=${kind === value} onChange=${() => change(kind)} />
      <span><b>${KINDS[kind]}</b> <span class="hint">${MEANS[kind]}</span></span></label>`)}
  </fieldset>`;
}
