/** Filters of the list. They are part of the address, so that a filtered list can be kept and sent. */

import { html, useEffect, useState } from "../vendor/htm/standalone.module.js";
import { taskTypes } from "../api.js";
import { listAddress } from "../core/route.js";
import { KINDS, STATUSES } from "../core/status.js";

/** Task types of the deployment; none if the API cannot list them. */
export function useTaskTypes() {
  const [types, setTypes] = useState(undefined);
  useEffect(() => {
    taskTypes().then(setTypes, () => setTypes({ items: [], complete: false }));
  }, []);
  return types;
}

/** @param {{filters: Record<string, string | undefined>, types: string[]}} props `types` are those of the rows */
export function Filters({ filters, types }) {
  const known = useTaskTypes()?.items.map((item) => item.taskType) ?? [];
  const all = [...new Set([...known, ...types, ...(filters.taskType ? [filters.taskType] : [])])].sort();
  const choose = (name) => (event) => {
    location.hash = listAddress({ ...filters, [name]: event.target.value });
  };
  const some = Object.values(filters).some(Boolean);
  return html`<div class="filters" role="group" aria-label="Filters">
    <${Choice} label="Kind" value=${filters.kind} options=${Object.entries(KINDS)} onChange=${choose("kind")} />
    <${Choice} label="Type" value=${filters.taskType} options=${all.map((name) => [name, name])}
      onChange=${choose("taskType")} />
    <${Choice} label="Status" value=${filters.status}
      options=${Object.entries(STATUSES).map(([name, { label }]) => [name, label])} onChange=${choose("status")} />
    ${some && html`<a class="button quiet" href="#/">Clear filters</a>`}
  </div>`;
}

export function Choice({ label, value = "", options, onChange, all = "All" }) {
  return html`<label class="choice"><span>${label}</span>
    <select value=${value} onChange=${onChange}>
      <option value="" selected=${value === ""}>${all}</option>
      ${options.map(([key, name]) => html`<option value=${key} selected=${key === value}>${name}</option>`)}
    </select>
  </label>`;
}
