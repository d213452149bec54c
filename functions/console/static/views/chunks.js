import { request, withQuery } from "../api.js";

/** All chunks of a task: one page nearly always. The tag is the page's, so several pages have none. */
export async function loadChunks(path, etag) {
  const first = await request(withQuery(path, { limit: 1000 }), { etag });
  if (first.unchanged || !first.data.cursor) return first;
  const items = [...first.data.items];
  let { cursor } = first.data;
  while (cursor) {
    const { data } = await request(withQuery(path, { limit: 1000, cursor }));
    items.push(...data.items);
    cursor = data.cursor;
  }
  return { data: { items } };
}
