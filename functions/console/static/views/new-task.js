import { html } from "../vendor/htm/standalone.module.js";
import { Heading } from "./parts.js";

export function NewTask() {
  return html`<section class="page"><${Heading} title="New task" /></section>`;
}
