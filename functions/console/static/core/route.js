/** Addresses of pages: the part after the # of the console's address. Pure. */

/**
 * @param {string} hash of the location, with its #
 * @returns {{page: string, [name: string]: string}} page is list, new, task or unknown
 */
export function parsed(hash) {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const parameters = Object.fromEntries(new URLSearchParams(query));
  const parts = path.split("/").filter(Boolean).map(decoded);
  if (parts.length === 0) return { ...parameters, page: "list" };
  if (parts[0] === "new" && parts.length === 1) return { ...parameters, page: "new" };
  if (parts[0] !== "tasks" || parts.length !== 3) return { page: "unknown" };
  return { page: "task", taskType: parts[1], code: parts[2] };
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** @param {Record<string, string | undefined>} filters only those with a value are in the address */
export function listAddress(filters = {}) {
  return withQuery("#/", filters);
}

export function newAddress(parameters = {}) {
  return withQuery("#/new", parameters);
}

export function taskAddress(task) {
  return `#/tasks/${encodeURIComponent(task.type)}/${encodeURIComponent(task.code)}`;
}

function withQuery(path, parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value);
  return given.length ? `${path}?${new URLSearchParams(given)}` : path;
}
