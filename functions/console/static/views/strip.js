/** When each chunk ran: a strip for the eye, one control for the keyboard, a table for everybody. */

import { html, useEffect, useMemo, useRef, useState } from "../vendor/htm/standalone.module.js";
import { counted, duration } from "../core/format.js";
import { packed, ticks } from "../core/lanes.js";
import { described } from "../core/status.js";
import { ChunkTable } from "./chunk-table.js";
import { Icon } from "./icons.js";
import { Time, Trouble, useNow } from "./parts.js";

/** Height of all lanes together, and the most of one, in pixels. */
const HEIGHT = 280;
const LANE = { least: 3, most: 16 };
const AXIS = 22;
/** A bar of a millisecond must be seen, too. */
const NARROWEST = 2;
/** Pixels that a mark of the axis needs for its text. */
const MARK = 70;
/** Of a letter of that text, at most. */
const LETTER = 7;
const ZOOMS = [1, 2, 4, 8, 16];

/** @param {{chunks: object[], over: boolean, error?: Error}} props */
export function Strip({ chunks, over, error }) {
  const at = useNow(over ? 60_000 : 1000);
  const [zoom, setZoom] = useState(0);
  const [picked, setPicked] = useState(0);
  const [frame, width] = useWidth();
  const plan = useMemo(() => packed(chunks, at), [chunks, over ? 0 : at]);
  const waiting = chunks.length - plan.bars.length;
  const current = plan.bars[Math.min(picked, plan.bars.length - 1)];
  return html`<section class="card" aria-labelledby="strip-title">
    <div class="card-head"><h2 id="strip-title">Chunks over time</h2><span class="space"></span>
      ${plan.bars.length > 0 && html`<${Zoom} zoom=${zoom} setZoom=${setZoom} />`}</div>
    ${error && chunks.length === 0 && html`<${Trouble} error=${error} />`}
    ${plan.bars.length === 0 && !error && html`<p class="hint">${over ? "No chunk ran." : "No chunk has begun."}</p>`}
    <div ref=${frame} class=${plan.bars.length ? "strip-frame" : "strip-frame none"} data-testid="chunk-strip"
      ...${sliderOf(plan, picked, setPicked)}>
      ${plan.bars.length > 0 && width > 0 && html`<${Picture} plan=${plan} width=${width * ZOOMS[zoom]}
        picked=${current} pick=${setPicked} />`}
    </div>
    ${current && html`<p class="picked">${wordsOf(current)} · began <${Time} iso=${current.chunk.startedAt}
      at=${at} /></p>`}
    ${chunks.length > 0 && html`<${Legend} waiting=${waiting} chunks=${chunks.length} lanes=${plan.lanes} />
      <${ChunkTable} chunks=${chunks} at=${at} />`}
  </section>`;
}

/** One control that goes through the chunks in the order of their begin; its value is read out. */
function sliderOf(plan, picked, setPicked) {
  const last = plan.bars.length - 1;
  if (last < 0) return {};
  const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, PageDown: 20, PageUp: -20 };
  const moves = { ...steps, Home: -last, End: last };
  const current = Math.min(picked, last);
  return {
    tabindex: 0,
    role: "slider",
    "aria-label": "Chunk, in the order in which they began",
    "aria-valuemin": 0,
    "aria-valuemax": last,
    "aria-valuenow": current,
    "aria-valuetext": wordsOf(plan.bars[current]),
    onKeyDown: (event) => {
      if (!(event.key in moves)) return;
      event.preventDefault();
      setPicked(Math.max(0, Math.min(last, current + moves[event.key])));
      // After the next drawing: zoomed in, it may be out of sight.
      const frame = event.currentTarget;
      setTimeout(() => frame.querySelector(".picked-bar").scrollIntoView({ block: "nearest", inline: "nearest" }));
    },
  };
}

/** @param {import("../core/lanes.js").Bar} bar */
function wordsOf({ chunk, start, end }) {
  const { number, first, count: size, status, succeeded, failed, attempt } = chunk;
  const range = size === 1 ? `sub-task ${first}` : `sub-tasks ${first}–${first + size - 1}`;
  const outcome = failed > 0 ? `${succeeded} succeeded, ${failed} failed` : `${succeeded} succeeded`;
  const tries = attempt > 1 ? `, attempt ${attempt}` : "";
  return `Chunk ${number}: ${described(status).label}, ${range}, ${outcome}, ${duration(end - start)}${tries}`;
}

function useWidth() {
  const frame = useRef(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const watch = new ResizeObserver(([entry]) => setWidth(Math.floor(entry.contentRect.width)));
    watch.observe(frame.current);
    return () => watch.disconnect();
  }, []);
  return [frame, width];
}

function Picture({ plan, width, picked, pick }) {
  const pitch = Math.max(LANE.least, Math.min(LANE.most, Math.floor(HEIGHT / plan.lanes)));
  const span = Math.max(1, plan.end - plan.start);
  const x = (time) => ((time - plan.start) / span) * (width - NARROWEST);
  const height = AXIS + plan.lanes * pitch;
  const hover = (event) => {
    const index = event.target.dataset?.index;
    if (index !== undefined) pick(Number(index));
  };
  const box = ({ start, end, lane }) => ({
    x: x(start),
    y: AXIS + lane * pitch,
    width: Math.max(NARROWEST, x(end) - x(start)),
    height: pitch - (pitch > 4 ? 1.5 : 0.5),
  });
  return html`<svg class="strip" width=${width} height=${height} aria-hidden="true" onPointerOver=${hover}
    onClick=${hover}>
    <${Patterns} />
    ${ticks(span, width / MARK).map((tick) => html`<${Tick} key=${tick}
      tick=${tick} x=${x(plan.start + tick)} right=${width} bottom=${height} />`)}
    ${plan.bars.map((bar, index) => html`<rect key=${bar.chunk.number} class=${`bar fill-${bar.tone}`}
      data-index=${index} fill=${FILLS[bar.tone]} ...${box(bar)} rx=${pitch > 6 ? 2 : 0} />`)}
    ${picked && html`<rect class="picked-bar" ...${box(picked)} />`}
  </svg>`;
}

/** A mark has no text if the end would cut it off. */
function Tick({ tick, x, right, bottom }) {
  const words = tick === 0 ? "0" : duration(tick).replace(".0 ", " ");
  const text = x + 3 + words.length * LETTER < right && html`<text x=${x + 3} y="11">${words}</text>`;
  return html`<g class="tick"><line x1=${x} x2=${x} y1="14" y2=${bottom} />${text}</g>`;
}

/** Colours alone are not enough: each outcome has a pattern, too. */
function Patterns() {
  return html`<defs>
    <pattern id="hatch-bad" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
      <rect width="6" height="6" class="fill-bad" /><rect width="2" height="6" class="fill-line" />
    </pattern>
    <pattern id="hatch-running" width="5" height="5" patternUnits="userSpaceOnUse">
      <rect width="5" height="5" class="fill-running" /><circle cx="2.5" cy="2.5" r="1" class="fill-line" />
    </pattern>
    <pattern id="hatch-muted" width="4" height="4" patternUnits="userSpaceOnUse">
      <rect width="4" height="4" class="fill-muted" /><rect width="4" height="1" class="fill-line" />
    </pattern>
  </defs>`;
}

/** As attributes: a style sheet would look for the address in itself. */
const FILLS = { bad: "url(#hatch-bad)", running: "url(#hatch-running)", muted: "url(#hatch-muted)" };

const LEGEND = [["good", "succeeded"], ["bad", "has failures"], ["running", "runs"], ["muted", "stopped or due again"]];

function Legend({ waiting, chunks, lanes }) {
  return html`<ul class="legend" aria-label="Legend">
    ${LEGEND.map(([tone, label]) => html`<li key=${tone}><svg width="18" height="10" aria-hidden="true"><rect width="18"
      height="10" rx="2" class=${`fill-${tone}`} fill=${FILLS[tone]} /></svg> ${label}</li>`)}
    <li class="space hint">
      ${counted(chunks, "chunk")}, at most ${lanes} at once${waiting > 0 ? `, ${waiting} not begun` : ""}</li>
  </ul>`;
}

function Zoom({ zoom, setZoom }) {
  const last = ZOOMS.length - 1;
  return html`<div class="zoom" role="group" aria-label="Zoom">
    <button type="button" class="quiet small" aria-label="Zoom out" disabled=${zoom === 0}
      onClick=${() => setZoom(zoom - 1)}><${Icon} name="zoomOut" /></button>
    <span class="hint">${ZOOMS[zoom]}×</span>
    <button type="button" class="quiet small" aria-label="Zoom in" disabled=${zoom === last}
      onClick=${() => setZoom(zoom + 1)}><${Icon} name="zoomIn" /></button>
  </div>`;
}

