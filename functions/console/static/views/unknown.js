import { html } from "../vendor/htm/standalone.module.js";
import { Heading } from "./parts.js";

export function Unknown() {
  return html`<section class="page">
    <${Heading} title="No such page" />
    <p>There is nothing at this address. <a href="#/">All tasks</a></p>
  </section>`;
}
