/** Small parts that several pages are made of. */

import { html, useEffect, useRef, useState } from "../vendor/htm/standalone.module.js";
import { now } from "../clock.js";
import { age, percent, time } from "../core/format.js";
import { described, silentFor } from "../core/status.js";
import { announce, toast } from "../messages.js";
import { Icon } from "./icons.js";

/** The current time, for ages and durations. @param {number} every ms */
export function useNow(every) {
  const [at, setAt] = useState(now());
  useEffect(() => {
    const timer = setInterval(() => document.hidden || setAt(now()), every);
    return () => clearInterval(timer);
  }, [every]);
  return Math.max(at, 0);
}

let arrived = false;

/** A page's heading. It takes the focus after a change of page: the keyboard goes on from here. */
export function Heading({ title, children }) {
  const heading = useRef(null);
  useEffect(() => {
    if (arrived) heading.current.focus();
    arrived = true;
  }, []);
  useEffect(() => {
    document.title = `${title} · Tasks`;
  }, [title]);
  return html`<h1 ref=${heading} tabindex="-1" dir="auto">${children ?? title}</h1>`;
}

/** A status is a colour, a shape and a word. */
export function Status({ status, testid }) {
  const { label, tone, means } = described(status);
  return html`<span class=${`status tone-${tone}`} data-testid=${testid} data-status=${status} title=${means}>
    <${Icon} name=${status} /> ${label}
  </span>`;
}

/** Beside the status of a task whose worker is silent. */
export function Silence({ task, at }) {
  const silent = silentFor(task, at);
  return silent === undefined ? null : html`<span class="bad" data-testid="silence">
    no sign of life for ${age(silent)}</span>`;
}

/** @param {{share: number, failed?: number, label: string, tone?: string}} props `failed` is a part of `share` */
export function Progress({ share, failed = 0, label, tone = "running" }) {
  const bar = useRef(null);
  useEffect(() => {
    bar.current.style.setProperty("--share", share);
    bar.current.style.setProperty("--failed", failed);
  }, [share, failed]);
  const now = Math.floor(share * 100 + 1e-9);
  return html`<div ref=${bar} class=${`progress tone-${tone}`} data-testid="progress" role="progressbar"
    aria-label=${label}
    aria-valuenow=${now} aria-valuemin="0" aria-valuemax="100" aria-valuetext=${percent(share)}>
    <span class="done"></span><span class="failed"></span>
  </div>`;
}

/** @param {{iso?: string, at: number}} props `at` is the time now */
export function Time({ iso, at }) {
  if (!iso) return "–";
  return html`<time datetime=${iso} title=${`${iso} (UTC)`}>${time(iso, at)}</time>`;
}

export function Age({ iso, at }) {
  const ago = age(Math.max(0, at - Date.parse(iso)));
  return html`<time datetime=${iso} title=${`${iso} (UTC)`}>${ago}</time>`;
}

export function Copy({ text, label, short = false }) {
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      toast("Copied.", "good");
    } catch {
      toast("The browser did not let this page copy. Select the text instead.", "bad");
    }
  };
  return html`<button type="button" class="quiet small" onClick=${copy} aria-label=${label}><${Icon} name="copy" />
    ${!short && " Copy"}</button>`;
}

/** Shown instead of data: the error, and the time of the next try. */
export function Trouble({ error, retryIn, again }) {
  const soon = retryIn === undefined ? "" : ` Trying again in ${Math.ceil(retryIn / 1000)} s.`;
  return html`<div class="notice tone-bad" role="alert">
    <${Icon} name="ERRORED" /> <span>${error.message}${soon}</span>
    ${again && html`<button type="button" class="small" onClick=${again}>Try now</button>`}
  </div>`;
}

/** Whether the shown data is fresh. */
export function Live({ error, retryIn, over, every }) {
  const state = error ? "trouble" : over ? "over" : "live";
  const words = { trouble: retryIn ? "Connection lost" : "Stopped", over: "Up to date", live: "Live" }[state];
  return html`<span class=${`live live-${state}`} title=${every ?? ""}><span class="dot"></span>${words}</span>`;
}

/** A modal question. The browser keeps the focus inside, and Escape closes it. */
export function Dialog({ title, children, close }) {
  const dialog = useRef(null);
  useEffect(() => {
    const shown = dialog.current;
    shown.showModal();
    // Closed before it is taken away, it gives the focus back to the button that opened it.
    return () => shown.close();
  }, []);
  return html`<dialog ref=${dialog} aria-labelledby="dialog-title" onClose=${close}>
    <h2 id="dialog-title">${title}</h2>
    ${children}
  </dialog>`;
}

/** Announces a change of the status to screen readers. */
export function useAnnounced(name, status) {
  const before = useRef(status);
  useEffect(() => {
    if (before.current && status && before.current !== status) announce(`${name}: ${described(status).label}`);
    before.current = status;
  }, [status]);
}

/** Links of the API lead to the bucket. Anything but http(s) is shown as text. */
export function Link({ href, children }) {
  const safe = /^https?:\/\//i.test(href);
  return safe ? html`<a href=${href} target="_blank" rel="noopener noreferrer">${children}</a>` : html`<span>
    ${children}</span>`;
}
