/** The page's own messages: a toast for everybody, an announcement for screen readers alone. */

import { store } from "./store.js";

/** A toast's time. An error stays until it is closed, so that its reader need not hurry. */
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

/** Removes the messages of an attempt before the next one. */
export function hush() {
  toasts.set([]);
}

/** @param {string} text */
export function announce(text) {
  announcement.set(text);
}

/** An error of an action, marked if the user lacks the right. */
export function complain(error) {
  toast(error.status === 403 ? `Not allowed: ${error.message}` : error.message, "bad");
}
