/** Icons, drawn in 16 by 16. They are beside a word, never instead of one, or their button has a label. */

import { html } from "../vendor/htm/standalone.module.js";

const CIRCLE = "M8 2.25a5.75 5.75 0 1 1 0 11.5a5.75 5.75 0 0 1 0-11.5Z";

const PATHS = {
  CREATED: CIRCLE,
  QUEUED: `${CIRCLE}M5 8h6`,
  STARTED: `${CIRCLE}M6.8 5.6v4.8L10.6 8Z`,
  PROCESSING: "M8 2.25a5.75 5.75 0 1 1-5.75 5.75",
  ERRORED: "M8 2.2L14.2 13.2H1.8ZM8 6.2v3.2M8 11.3v.1",
  FINISHED: "M8 2.25a5.75 5.75 0 1 1-5.75 5.75M5.6 8.2l1.7 1.7l3.2-3.6",
  COMPLETED: `${CIRCLE}M5.4 8.2l1.8 1.8l3.5-3.9`,
  FAILED: `${CIRCLE}M6 6l4 4M10 6l-4 4`,
  CANCELLED: `${CIRCLE}M4.2 11.8l7.6-7.6`,
  search: "M7 2.5a4.5 4.5 0 1 1 0 9a4.5 4.5 0 0 1 0-9ZM10.4 10.4L14 14",
  plus: "M8 3v10M3 8h10",
  copy: "M5.5 5.5h7v7h-7ZM10.5 5.5v-2h-7v7h2",
  download: "M8 2.5v7M5 7l3 3l3-3M3 13h10",
  retry: "M13 8a5 5 0 1 1-1.6-3.7M13 2.5v3h-3",
  stop: "M4 4h8v8H4Z",
  again: "M5 3.5v9l7-4.5Z",
  back: "M10 3L5 8l5 5",
  forth: "M6 3l5 5l-5 5",
  close: "M4 4l8 8M12 4l-8 8",
  theme: `${CIRCLE}M8 2.3v11.4M10.5 3.2v9.6M12.6 5v6`,
  out: "M6 3H3v10h3M7 8h6.5M11 5.5L13.5 8L11 10.5",
  zoomIn: "M7 2.5a4.5 4.5 0 1 1 0 9a4.5 4.5 0 0 1 0-9ZM10.4 10.4L14 14M5 7h4M7 5v4",
  zoomOut: "M7 2.5a4.5 4.5 0 1 1 0 9a4.5 4.5 0 0 1 0-9ZM10.4 10.4L14 14M5 7h4",
  file: "M4 2h5l3.5 3.5V14H4ZM9 2v3.5h3.5",
};

/** @param {{name: string}} props */
export function Icon({ name }) {
  return html`<svg class=${`icon icon-${name}`} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
    <path d=${PATHS[name] ?? CIRCLE} />
  </svg>`;
}
