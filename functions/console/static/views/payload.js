/** JSON of a task: an input, a result. */

import { html, useState } from "../vendor/htm/standalone.module.js";
import { bytes, count } from "../core/format.js";
import { Copy, Link } from "./parts.js";

/** Shown of a long text at first; a button shows the rest. */
const LINES = 16;
/** Lines that are not worth a button. */
const FEW = 4;
/** Above it, a browser is slow with text. */
const MOST = 300_000;

/** @param {{title: string, value?: any, url?: string, none: string, folded?: boolean}} props */
export function Payload({ title, value, url, none, folded = false }) {
  const id = `payload-${title.toLowerCase()}`;
  const text = value === undefined || value === null ? undefined : JSON.stringify(value, null, 2);
  return html`<section class="card" aria-labelledby=${id}>
    <div class="card-head"><h2 id=${id}>${title}</h2><span class="space"></span>
      ${text !== undefined && html`<${Copy} text=${text} label=${`Copy the ${title.toLowerCase()}`} />`}</div>
    ${url !== undefined && html`<p>Too large to be shown here. <${Link}
      href=${url}>Open the ${title.toLowerCase()}<//> <span class="hint">(the link works for 15 minutes)</span></p>`}
    ${url === undefined && (text === undefined ? html`<p class="hint">${none}</p>` : html`<${Json} text=${text}
      label=${title} folded=${folded} />`)}
  </section>`;
}

/** Text, folded when it is long. @param {{text: string, label: string, folded?: boolean}} props */
export function Json({ text, label, folded = false }) {
  const lines = text.split("\n");
  const most = folded ? LINES / 2 : LINES;
  const long = lines.length > most + FEW;
  const [open, setOpen] = useState(false);
  const shown = open || !long ? text.slice(0, MOST) : lines.slice(0, most).join("\n");
  const size = `${count(lines.length)} lines, ${bytes(new Blob([text]).size)}`;
  return html`<pre class="json" role="group" tabindex="0" aria-label=${label}>${shown}${long && !open && "\n…"}</pre>
    ${long && html`<button type="button" class="quiet small" aria-expanded=${String(open)}
      onClick=${() => setOpen(!open)}>${open ? "Show less" : `Show all (${size})`}</button>`}
    ${open && text.length > MOST && html`<p class="hint">The rest is left out here. “Copy” has all of it.</p>`}`;
}
