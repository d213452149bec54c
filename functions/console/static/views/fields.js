/** The controls of a form, one for each kind of field. */

import { html, useRef } from "../vendor/htm/standalone.module.js";
import { draftOf, joined } from "../core/draft.js";
import { Icon } from "./icons.js";

/**
 * @typedef {object} Props
 * @property {import("../core/schema.js").Field} field
 * @property {any} draft
 * @property {string} path
 * @property {string} [label]
 * @property {Record<string, string>} problems
 * @property {(draft: any) => void} change
 */

/** @param {Props} props */
export function Field(props) {
  const { kind } = props.field;
  if (kind === "object") return html`<${ObjectField} ...${props} />`;
  if (kind === "list") return html`<${ListField} ...${props} />`;
  return html`<${Single} ...${props} />`;
}

/** A name in a schema may have spaces, which would part the id where it is referred to. */
const idOf = (path) => `field-${path.replace(/\s/g, "_") || "input"}`;

/** One control with its label, hint and problem. */
function Single({ field, draft, path, label, problems, change }) {
  const id = idOf(path);
  const problem = problemOf(problems, path);
  const named = label ?? field.label ?? "Input";
  const described = [hintOf(field) && `${id}-hint`, problem && `${id}-problem`].filter(Boolean).join(" ") || undefined;
  const shared = { id, "aria-invalid": problem ? "true" : undefined, "aria-describedby": described };
  const check = field.kind === "boolean" && typeof draft === "boolean";
  return html`<div class=${check ? "field field-check" : "field"}>
    <label for=${id}>${named}<${Optional} field=${field} /></label>
    <${Control} field=${field} draft=${draft} change=${change} shared=${shared} check=${check} />
    ${hintOf(field) && html`<p class="hint" id=${`${id}-hint`}>${hintOf(field)}</p>`}
    ${problem && html`<p class="problem" id=${`${id}-problem`}>${named} ${problem}</p>`}
  </div>`;
}

/** The problem at the path, or below it inside of one control: the API looks deeper into JSON than a form. */
function problemOf(problems, path) {
  if (problems[path]) return problems[path];
  const within = (place) => place.startsWith(path) && /^[.[]/.test(place.slice(path.length));
  const [place, words] = Object.entries(problems).find(([place]) => path !== "" && within(place)) ?? [];
  return place && `at ${place.slice(path.length).replace(/^\./, "")} ${words}`;
}

function Control({ field, draft, change, shared, check }) {
  const typed = (event) => change(event.target.value);
  switch (field.kind) {
    case "constant":
      return html`<input ...${shared} value=${JSON.stringify(field.value)} readonly />`;
    case "boolean":
      return html`<${check ? Check : YesNo} draft=${draft} change=${change} shared=${shared} />`;
    case "choice":
      return html`<select ...${shared} onChange=${typed}>
        <option value="" selected=${draft === ""}>${field.required ? "Choose…" : "–"}</option>
        ${field.options.map((option, index) => html`<option value=${index} selected=${draft === String(index)}>
          ${typeof option === "string" ? option : JSON.stringify(option)}</option>`)}
      </select>`;
    case "json":
      return html`<textarea class="code" rows="4" spellcheck=${false} ...${shared} value=${draft}
        onInput=${typed}></textarea>`;
    default:
      return html`<input ...${shared} ...${INPUTS[field.format] ?? INPUTS[field.kind]} value=${draft} onInput=${typed}
        required=${field.required && !field.nullable} />`;
  }
}

/** A number is typed as text: a number control hides text that it does not understand. */
const INPUTS = {
  text: { type: "text" },
  number: { type: "text", inputmode: "decimal" },
  integer: { type: "text", inputmode: "numeric" },
  date: { type: "date" },
  "date-time": { type: "datetime-local", step: "any" },
  time: { type: "time", step: "any" },
  email: { type: "email" },
  uri: { type: "url" },
};

function Check({ draft, change, shared }) {
  const choose = (event) => change(event.target.checked);
  return html`<input type="checkbox" ...${shared} checked=${draft} onChange=${choose} />`;
}

const ANSWERS = [["", "–", undefined], ["yes", "Yes", true], ["no", "No", false]];

function YesNo({ draft, change, shared }) {
  const choose = (event) => change({ yes: true, no: false }[event.target.value]);
  return html`<select ...${shared} onChange=${choose}>
    ${ANSWERS.map(([value, label, means]) => html`<option value=${value} selected=${draft === means}>
      ${label}</option>`)}
  </select>`;
}

function hintOf({ description, rules, format, kind }) {
  const { minimum, maximum, minLength, maxLength } = rules;
  const letters = rangeOf(minLength > 1 ? minLength : undefined, maxLength, " characters");
  const range = rangeOf(minimum, maximum, "") ?? letters;
  const zone = format === "date-time" ? "In your time zone." : undefined;
  const json = kind === "json" ? "As JSON." : undefined;
  return [description, range, zone, json].filter(Boolean).join(" ");
}

function rangeOf(least, most, unit) {
  if (least !== undefined && most !== undefined) return `${least} to ${most}${unit}.`;
  if (least !== undefined) return `At least ${least}${unit}.`;
  return most === undefined ? undefined : `At most ${most}${unit}.`;
}

/** @param {Props} props */
function ObjectField({ field, draft, path, label, problems, change }) {
  const named = label ?? field.label;
  const set = (name) => (inner) => change({ ...draft, fields: { ...draft.fields, [name]: inner } });
  const inside = field.fields.map(({ name, field: inner }) => html`<${Field} key=${name} field=${inner}
    draft=${draft.fields[name]} path=${joined(path, name)} problems=${problems} change=${set(name)} />`);
  if (path === "") {
    const whole = problems[path] && `The input ${problems[path]}`;
    return html`${whole && html`<p class="problem" role="alert">${whole}</p>`}<div class="fields">${inside}</div>`;
  }
  const leaves = !field.required || field.nullable;
  const wrong = `${idOf(path)}-problem`;
  return html`<fieldset class="group" aria-describedby=${problems[path] && wrong}>
    <legend>${named}<${Optional} field=${field} /></legend>
    ${field.description && html`<p class="hint">${field.description}</p>`}
    ${leaves && html`<label class="given"><input type="checkbox" checked=${draft.given}
      onChange=${(event) => change({ ...draft, given: event.target.checked })} /> Give it</label>`}
    ${problems[path] && html`<p class="problem" id=${wrong}>${named} ${problems[path]}</p>`}
    ${draft.given && html`<div class="fields">${inside}</div>`}
  </fieldset>`;
}

/** @param {Props & {noun?: string}} props `noun` is what the list is made of, for its buttons */
function ListField({ field, draft, path, label, noun = "entry", problems, change }) {
  const list = useRef(null);
  const named = label ?? field.label ?? "List";
  const set = (index) => (inner) => change(draft.with(index, inner));
  const add = () => {
    change([...draft, draftOf(field.item)]);
    // After the next drawing: the focus goes to the new element.
    setTimeout(() => list.current?.querySelectorAll(":scope > .entry")[draft.length]?.querySelector(CONTROLS)?.focus());
  };
  const remove = (index) => () => {
    change(draft.toSpliced(index, 1));
    list.current.querySelector(":scope > .add").focus();
  };
  const wrong = `${idOf(path)}-problem`;
  return html`<fieldset ref=${list} class=${path === "" ? "group whole" : "group"}
    aria-describedby=${problems[path] && wrong}>
    <legend class=${path === "" ? "hidden-text" : ""}>${named}<${Optional} field=${field} /></legend>
    ${field.description && html`<p class="hint">${field.description}</p>`}
    ${problems[path] && html`<p class="problem" id=${wrong}>${named} ${problems[path]}</p>`}
    ${draft.map((item, index) => html`<div class="entry" key=${index}>
      <div class="entry-body"><${Field} field=${field.item} draft=${item} path=${`${path}[${index}]`}
        label=${titled(noun, index)} problems=${problems} change=${set(index)} /></div>
      <button type="button" class="quiet small" aria-label=${`Remove ${noun} ${index + 1}`} onClick=${remove(index)}>
        <${Icon} name="close" /></button>
    </div>`)}
    <button type="button" class="small add" onClick=${add}><${Icon} name="plus" /> Add ${noun}</button>
  </fieldset>`;
}

const CONTROLS = "input, select, textarea";

const titled = (noun, index) => `${noun[0].toUpperCase()}${noun.slice(1)} ${index + 1}`;

function Optional({ field }) {
  return field.required ? null : html` <span class="optional">optional</span>`;
}
