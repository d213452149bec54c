/** The console: the session, and the choice of a page. */

import { html, render, useEffect, useState } from "./vendor/htm/standalone.module.js";
import { loadConfig } from "./config.js";
import { parsed } from "./core/route.js";
import { session, start } from "./session.js";
import { useStore } from "./store.js";
import { Footer, Header, Messages } from "./views/frame.js";
import { NewTask } from "./views/new-task.js";
import { SignIn } from "./views/sign-in.js";
import { TaskList } from "./views/list.js";
import { TaskPage } from "./views/task.js";
import { Unknown } from "./views/unknown.js";

function useRoute() {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const moved = () => setHash(location.hash);
    window.addEventListener("hashchange", moved);
    return () => window.removeEventListener("hashchange", moved);
  }, []);
  return parsed(hash);
}

/** Another key makes a new page, without state of the one before. */
function Page({ route }) {
  if (route.page === "list") return html`<${TaskList} key="list" filters=${route} />`;
  if (route.page === "new") return html`<${NewTask} key=${`new ${route.from ?? ""}`} route=${route} />`;
  if (route.page === "task") return html`<${TaskPage} key=${route.code} taskType=${route.taskType}
    code=${route.code} />`;
  return html`<${Unknown} />`;
}

function App({ config }) {
  const route = useRoute();
  const { phase, user, notice } = useStore(session);
  const content = {
    loading: () => html`<p class="centre" role="status">Loading…</p>`,
    out: () => html`<${SignIn} pool=${Boolean(config.userPoolId)} issuer=${config.issuer} notice=${notice} />`,
    in: () => html`<${Page} route=${route} />`,
  }[phase];
  return html`<div class="frame">
    <a class="skip" href="#main" onClick=${skip}>Skip to content</a>
    <${Header} user=${user} route=${route} />
    <main id="main" tabindex="-1">${content()}</main>
    <${Footer} version=${config.version} />
    <${Messages} />
  </div>`;
}

/** A plain #main would be an address of this page's own. */
function skip(event) {
  event.preventDefault();
  document.getElementById("main").focus();
}

async function main() {
  const root = document.getElementById("app");
  try {
    const config = await loadConfig();
    render(html`<${App} config=${config} />`, root);
    await start(config);
  } catch (error) {
    render(html`<p class="centre" role="alert">The console could not start: ${error.message}</p>`, root);
  }
}

main();
