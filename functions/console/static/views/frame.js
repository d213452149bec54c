/** The frame of every page: header, footer, messages. */

import { html, useState } from "../vendor/htm/standalone.module.js";
import { announcement, dismiss, toasts } from "../messages.js";
import { signOut } from "../session.js";
import { useStore } from "../store.js";
import { Icon } from "./icons.js";

export function Header({ user, route }) {
  const here = (page) => (route.page === page ? "page" : undefined);
  return html`<header class="top">
    <a class="brand" href="#/"><img src="console/icon.svg" alt="" width="22" height="22" /> Serverless Tasks</a>
    ${user && html`<nav aria-label="Main">
      <a href="#/" aria-current=${here("list")}>Tasks</a>
      <a href="#/new" aria-current=${here("new")}>New task</a>
    </nav>`}
    <span class="space"></span>
    <${Theme} />
    ${user && html`<span class="who" title=${`Tenant ${user.tenant}`}><bdi>${user.name}</bdi> <span class="tenant">
      ${user.tenant}</span></span>
    <button type="button" class="quiet" onClick=${signOut}><${Icon} name="out" /> <span class="wide">Sign out</span>
      <span class="narrow hidden-text">Sign out</span></button>`}
  </header>`;
}

const THEMES = { auto: "Automatic", light: "Light", dark: "Dark" };
const KEY = "serverless-tasks.theme";

function Theme() {
  const [theme, setTheme] = useState(document.documentElement.dataset.theme ?? "auto");
  const choose = (event) => {
    const chosen = event.target.value;
    setTheme(chosen);
    if (chosen === "auto") {
      delete document.documentElement.dataset.theme;
      localStorage.removeItem(KEY);
      return;
    }
    document.documentElement.dataset.theme = chosen;
    localStorage.setItem(KEY, chosen);
  };
  return html`<label class="theme"><${Icon} name="theme" /><span class="hidden-text">Colours</span>
    <select value=${theme} onChange=${choose}>
      ${Object.entries(THEMES).map(([value, label]) => html`<option value=${value} selected=${value === theme}>
        ${label}</option>`)}
    </select>
  </label>`;
}

export function Footer({ version }) {
  return html`<footer class="bottom">Serverless Tasks ${version}</footer>`;
}

/** Toasts for everybody, and a line for screen readers alone. */
export function Messages() {
  return html`<div class="toasts" role="region" aria-label="Messages" aria-live="polite">
      ${useStore(toasts).map((toast) => html`<div key=${toast.id} class=${`toast tone-${toast.tone}`}
        data-testid="toast">
        <span>${toast.text}</span>
        <button type="button" class="quiet small" aria-label="Close this message" onClick=${() => dismiss(toast.id)}>
          <${Icon} name="close" /></button>
      </div>`)}
    </div>
    <div class="hidden-text" aria-live="polite" data-testid="announcement">${useStore(announcement)}</div>`;
}
