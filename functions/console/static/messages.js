/** What the page says on its own account: to everybody as a toast, to screen readers alone as an announcement. */

import { store } from "./store.js";

/** How long a toast stays. An error stays until it is closed: nobody should have to hurry. */
const SECONDS = 6;

export const toasts = store([]);
export const announcement = store("");

let number = 0;

/** @param {string} text @param {"good" | "bad" | "info"} [tone] */
export function toast(text, tone = "info") {
  const id = ++number;
  toasts.set([...toasts.get().slice(-3), { id, text, tone }]);
  if (tone !== "bad") setTimeout(() => dismiss(id), SECONDS * 1000);
}

export function dismiss(id) {
  toasts.set(toasts.get().filter((one) => one.id !== id));
}

/** Takes back what was said of an attempt, before the next one. */
export function hush() {
  toasts.set([]);
}

/** @param {string} text */
export function announce(text) {
  announcement.set(text);
}

/** An error of an action, with what somebody who may not do it should know. */
export function complain(error) {
  toast(error.status === 403 ? `Not allowed: ${error.message}` : error.message, "bad");
}
