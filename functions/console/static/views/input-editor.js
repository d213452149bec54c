/** The input of a new task: as a form, as JSON, or as a file. */

import { html } from "../vendor/htm/standalone.module.js";
import { draftOf, fits, valueOf } from "../core/draft.js";
import { elementsOf, inputOf } from "../core/elements.js";
import { parse } from "../core/exact.js";
import { bytes, counted } from "../core/format.js";
import { fieldOf } from "../core/schema.js";
import { Field } from "./fields.js";

/**
 * @typedef {object} Editor
 * @property {"form" | "text" | "file"} mode
 * @property {boolean} many whether the input is a list
 * @property {boolean} form whether there is a schema that a form could be made of
 * @property {import("../core/schema.js").Field} field
 * @property {any} draft of the form
 * @property {string} text
 * @property {File} [file]
 * @property {any} [example] of an input; of one element, where it is a list
 */

/**
 * The editor of a kind and type, empty or filled with an input.
 * @param {object | undefined} schema of the input; of one element for a fan-out
 * @param {boolean} many whether it is a list
 * @param {any} [input]
 * @returns {Editor}
 */
export function editorOf(schema, many, input) {
  const one = fieldOf(schema);
  const field = many ? { kind: "list", label: "Elements", required: true, nullable: false, rules: {}, item: one } : one;
  const form = one.kind !== "json" && (input === undefined || fits(field, input));
  const first = many && input === undefined ? [draftOf(one)] : undefined;
  return {
    mode: form ? "form" : "text",
    field,
    many,
    draft: form ? first ?? draftOf(field, input) : [],
    text: input === undefined ? "" : JSON.stringify(input, null, 2),
    form: one.kind !== "json",
    example: schema?.examples?.[0],
  };
}

/** The editor filled with the example that the schema gives. */
function exampled(editor) {
  const input = editor.many ? [editor.example] : editor.example;
  const filled = { ...editor, text: JSON.stringify(input, null, 2) };
  return fits(editor.field, input) ? { ...filled, draft: draftOf(editor.field, input) } : { ...filled, mode: "text" };
}

/** @param {Editor} editor @returns {{input?: string, file?: File, problems: Record<string, string>}} */
export function sourceOf(editor) {
  const { mode, field, draft, text, file, many } = editor;
  if (mode === "file") return file ? { file, problems: {} } : { problems: { "": "is missing: choose a file" } };
  if (mode === "form") {
    const { value, problems } = valueOf(field, draft);
    return { input: JSON.stringify(value), problems };
  }
  const { input, problem } = many ? elementsOf(text) : inputOf(text);
  return { input, problems: problem ? { "": problem } : {} };
}

/** From one mode to another, without losing content. */
export function switched(editor, mode) {
  if (mode === "text" && editor.mode === "form") {
    return { ...editor, mode, text: JSON.stringify(valueOf(editor.field, editor.draft).value, null, 2) ?? "" };
  }
  if (mode !== "form" || editor.mode !== "text") return { ...editor, mode };
  const { input } = editor.many ? elementsOf(editor.text) : inputOf(editor.text);
  if (input === undefined) return { ...editor, mode };
  const value = parse(input);
  return fits(editor.field, value) ? { ...editor, mode, draft: draftOf(editor.field, value) } : editor;
}

const NAMES = { form: "Form", text: "JSON", file: "File" };

/** `refused`: whether the form could not take the JSON over. */
export function InputEditor({ editor, setEditor, problems, refused, setRefused }) {
  const modes = [...(editor.form ? ["form"] : []), "text", ...(editor.many ? ["file"] : [])];
  const example = editor.example !== undefined && editor.mode !== "file";
  const fill = () => {
    setRefused(false);
    setEditor(exampled(editor));
  };
  const choose = (mode) => () => {
    const next = switched(editor, mode);
    setRefused(next.mode !== mode);
    setEditor(next);
  };
  return html`<fieldset class="card input-card">
    <legend class="hidden-text">Input</legend>
    <div class="card-head"><h2>${editor.many ? "Elements" : "Input"}</h2><span class="space"></span>
      ${example && html`<button type="button" class="quiet small" onClick=${fill}>Fill in an example</button>`}
      ${modes.length > 1 && html`<div class="switch" role="radiogroup" aria-label="How to write it">
        ${modes.map((mode) => html`<label key=${mode}><input type="radio" name="mode" value=${mode}
          checked=${editor.mode === mode} onChange=${choose(mode)} /><span>${NAMES[mode]}</span></label>`)}
      </div>`}</div>
    ${refused && html`<p class="problem"
      role="alert">The form cannot show this JSON without changing it, so it stays JSON.</p>`}
    <${EDITORS[editor.mode]} editor=${editor} setEditor=${setEditor} problems=${problems} />
  </fieldset>`;
}

function Form({ editor, setEditor, problems }) {
  const change = (draft) => setEditor({ ...editor, draft });
  return html`<${Field} field=${editor.field} draft=${editor.draft} path="" noun="element" problems=${problems}
    change=${change} />`;
}

function Text({ editor, setEditor, problems }) {
  const { count = 0 } = editor.many ? elementsOf(editor.text) : {};
  const others = Object.entries(problems);
  return html`<div class="field">
    <label for="field-input">${editor.many ? "JSON list, or JSON Lines: one element for each line" : "JSON"}</label>
    <textarea id="field-input" class="code" rows="12" spellcheck=${false} value=${editor.text}
      aria-invalid=${others.length ? "true" : undefined} aria-describedby="text-problem"
      onInput=${(event) => setEditor({ ...editor, text: event.target.value })}></textarea>
    ${editor.many && html`<p class="hint">${counted(count, "element")}. Each one is a sub-task.</p>`}
    <div id="text-problem">${others.map(([path, words]) => html`<p class="problem" key=${path}>${path && html`<code>
      ${path}</code>`} ${words}</p>`)}</div>
  </div>`;
}

function File({ editor, setEditor, problems }) {
  const { file } = editor;
  return html`<div class="field">
    <label for="field-input">File of JSON Lines (.jsonl), or CSV with a header (.csv)</label>
    <input id="field-input" type="file" accept=".jsonl,.ndjson,.csv" aria-invalid=${problems[""] ? "true" : undefined}
      aria-describedby="file-hint file-problem"
      onChange=${(event) => setEditor({ ...editor, file: event.target.files[0] })} />
    <p class="hint" id="file-hint">
      ${file ? `${file.name}, ${bytes(file.size)}. ` : ""}Up to 5 GB. One line, or one record, is one sub-task.</p>
    ${problems[""] && html`<p class="problem" id="file-problem">The file ${problems[""]}</p>`}
  </div>`;
}

const EDITORS = { form: Form, text: Text, file: File };
