/** A value that several parts of the page share. */

import { useEffect, useState } from "./vendor/htm/standalone.module.js";

/** @template T @param {T} initial */
export function store(initial) {
  let value = initial;
  const listeners = new Set();
  return {
    get: () => value,
    set: (next) => {
      value = next;
      for (const listener of listeners) listener(value);
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** The value, in a component that is drawn again when it changes. */
export function useStore(of) {
  const [value, setValue] = useState(of.get());
  useEffect(() => {
    setValue(of.get()); // a change between the first drawing and now
    return of.subscribe(setValue);
  }, []);
  return value;
}
