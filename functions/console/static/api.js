/** Requests to the HTTP API of the stack, docs/rest-endpoints.md. */

import { observe } from "./clock.js";
import { API } from "./config.js";
import { parse } from "./core/exact.js";
import { bearer, expired, renewed } from "./session.js";

/** A failed request: `status` 0 means without an answer. `details` are the API's, one for each field. */
export class ApiError extends Error {
  constructor(status, message, { details = [], retryAfter = 0 } = {}) {
    super(message);
    this.status = status;
    this.details = details;
    this.retryAfter = retryAfter;
  }
}

/**
 * @param {string} path with its query, without a slash in front
 * @param {{method?: string, body?: string, headers?: Record<string, string>, etag?: string}} [options]
 * @returns {Promise<{data: any, etag?: string, unchanged?: boolean}>}
 */
export async function request(path, options = {}) {
  let answer = await send(path, options, await token());
  if (answer.status === 401) {
    const renewal = await renewed();
    if (renewal) answer = await send(path, options, renewal);
    if (answer.status === 401) expired();
  }
  observe(answer.headers.get("Date"));
  if (answer.status === 304) return { data: undefined, etag: options.etag, unchanged: true };
  const data = await jsonOf(answer);
  if (!answer.ok) throw errorOf(answer, data);
  return { data, etag: answer.headers.get("ETag") ?? undefined };
}

async function token() {
  try {
    return await bearer();
  } catch {
    throw new ApiError(0, "The user pool cannot be reached.");
  }
}

async function send(path, { method = "GET", body, headers = {}, etag }, token) {
  const all = { ...headers, Authorization: `Bearer ${token}` };
  if (body !== undefined) all["Content-Type"] = "application/json";
  if (etag) all["If-None-Match"] = etag;
  // no-store: the browser's own cache would answer a 304 with a 200, and keep what a tenant sees on the disk.
  const init = { method, body, headers: all, cache: "no-store", redirect: "error", credentials: "omit" };
  try {
    return await fetch(new URL(path, API), init);
  } catch {
    throw new ApiError(0, "The API cannot be reached.");
  }
}

/** The object of a link. The link alone authorises: with a token, S3 would refuse.
 * @param {string} url @returns {Promise<Blob>}
 */
export async function linked(url) {
  let answer;
  try {
    answer = await fetch(url, { cache: "no-store", credentials: "omit" });
  } catch {
    throw new ApiError(0, "The bucket cannot be read from this page.");
  }
  if (answer.ok) return answer.blob();
  throw new ApiError(answer.status, `The bucket answered ${answer.status}. Load the page again for a new link.`);
}

async function jsonOf(answer) {
  try {
    return parse(await answer.text());
  } catch {
    return undefined;
  }
}

function errorOf(answer, data) {
  const retryAfter = Number(answer.headers.get("Retry-After")) || 0;
  return new ApiError(answer.status, explained(answer.status, data), { details: data?.details, retryAfter });
}

function explained(status, data) {
  if (status === 401) return "You are signed out. Sign in again.";
  if (status === 429 && !data?.statusCode) return "Too many requests at once."; // else a bound, which says what to do
  if (status === 503) return "The API is busy.";
  return data?.message ?? `The API answered ${status}.`;
}

const part = encodeURIComponent;

/** @param {string} taskType @param {string} code */
export function taskPath(taskType, code, rest = "") {
  return `tasks/${part(taskType)}/${part(code)}${rest}`;
}

/** A path with those parameters that have a value. */
export function withQuery(path, parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== "");
  return given.length ? `${path}?${new URLSearchParams(given)}` : path;
}

/** @param {"cancel" | "retry"} action @returns {Promise<object>} the task as it is now */
export async function act(task, action) {
  return (await request(taskPath(task.type, task.code, `/${action}`), { method: "POST" })).data;
}

let types;

/** The answer of GET /task-types; asked once for each page load, since only a deployment changes it. */
export function taskTypes() {
  types ??= request("task-types").then(
    ({ data }) => data,
    (error) => {
      types = undefined;
      throw error;
    },
  );
  return types;
}
