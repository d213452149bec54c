/** The list of tasks, newest first. The newest rows are live; older ones stay as loaded. */

import { html, useEffect, useRef, useState } from "../vendor/htm/standalone.module.js";
import { request, withQuery } from "../api.js";
import { announcements, pushedOut, withoutDoubles } from "../core/rows.js";
import { matches } from "../core/search.js";
import { described } from "../core/status.js";
import { announce, complain } from "../messages.js";
import { usePolled } from "../poll.js";
import { Filters } from "./filters.js";
import { Icon } from "./icons.js";
import { Heading, Live, Trouble, useNow } from "./parts.js";
import { Search } from "./search.js";
import { Rows } from "./rows.js";

const STEP = 25;
/** The most rows of one request, and so of the live ones. */
const MOST = 100;

/** @param {{filters: {kind?: string, taskType?: string, status?: string}}} props */
export function TaskList({ filters }) {
  const { kind, taskType, status } = filters;
  const query = { kind, taskType, status };
  const [limit, setLimit] = useState(STEP);
  const [words, setWords] = useState("");
  const page = usePolled(withQuery("tasks", { ...query, limit }));
  const list = useRows(page.data, query);
  const at = useNow(5000);
  const all = list.rows.filter((task) => !words || matches(task, words));
  const types = [...new Set(list.rows.map((task) => task.type))];
  // A short page with a cursor does not grow with its limit.
  const grows = limit < MOST && list.live.length === limit && list.older.length === 0;
  const more = () => (grows ? setLimit(limit + STEP) : list.more().catch(complain));
  return html`<section class="page">
    <div class="title-row">
      <${Heading} title="Tasks" />
      <${Live} error=${page.error} retryIn=${page.retryIn} />
      <span class="space"></span>
      <a class="button primary" href="#/new"><${Icon} name="plus" /> New task</a>
    </div>
    <div class="toolbar">
      <${Search} rows=${list.rows} types=${types} words=${words} setWords=${setWords} />
      <${Filters} filters=${query} types=${types} />
    </div>
    ${page.error && html`<${Trouble} error=${page.error} retryIn=${page.retryIn} again=${page.refresh} />`}
    ${list.known && html`<${Rows} rows=${all} at=${at} empty=${emptyWords(query, words, list)} />`}
    ${!list.known && !page.error && html`<p class="centre" role="status">Loading…</p>`}
    ${list.cursor && html`<div class="more"><button type="button" onClick=${more}>Load more</button></div>`}
    ${list.older.length > 0 && html`<p class="hint centre">${olderWords(list.live.length)}</p>`}
  </section>`;
}

/** The live page with the older rows behind it. Another filter begins anew. */
function useRows(data, query) {
  const filter = JSON.stringify(query);
  const [older, setOlder] = useState({ filter, rows: [] });
  const before = useRef({ filter, items: [], cursor: undefined });
  const behind = older.filter === filter ? older : { rows: [] };
  useEffect(() => {
    if (!data) return;
    const last = before.current.filter === filter ? before.current.items : [];
    const news = announcements(last, data.items, (status) => described(status).label);
    if (news.length) announce(news.join(". "));
    // A filter by status loses rows in the middle, too: a row that has left it is no longer wanted.
    if (behind.rows.length && !query.status) {
      setOlder({ ...behind, filter, rows: pushedOut(last, data.items, behind.rows) });
    }
    before.current = { filter, items: data.items, cursor: data.cursor };
  }, [data]);
  const shown = data ?? (before.current.filter === filter ? before.current : undefined);
  const live = shown?.items ?? [];
  const cursor = behind.loaded ? behind.cursor : shown?.cursor;
  const more = async () => {
    const { data: next } = await request(withQuery("tasks", { ...query, limit: MOST / 2, cursor }));
    setOlder({ filter, loaded: true, rows: [...behind.rows, ...next.items], cursor: next.cursor });
  };
  const rest = withoutDoubles(behind.rows, new Set(live.map((task) => task.id)));
  return { known: Boolean(shown?.items.length || data), live, older: rest, rows: [...live, ...rest], cursor, more };
}

function olderWords(live) {
  return `The newest ${live} are live. Those below stay as loaded.`;
}

function emptyWords(query, words, list) {
  if (words && list.rows.length) return "No loaded row has these words. The search looks at loaded rows only.";
  if (list.cursor) return "Nothing on this page. There may be more behind it.";
  if (Object.values(query).some(Boolean)) return "No task matches.";
  return "There is no task yet.";
}
