/** Polls a resource for as long as it may change: slower without changes, not at all in a hidden tab. */

import { useEffect, useRef, useState } from "./vendor/htm/standalone.module.js";
import { request } from "./api.js";
import { START, delay, next, passes } from "./core/schedule.js";

/** The browser's own; tests replace it. */
const BROWSER = {
  later: (ms, action) => setTimeout(action, ms),
  never: (timer) => clearTimeout(timer),
  hidden: () => document.hidden,
  random: Math.random,
  listen: (action) => {
    document.addEventListener("visibilitychange", action);
    window.addEventListener("online", action);
    return () => {
      document.removeEventListener("visibilitychange", action);
      window.removeEventListener("online", action);
    };
  },
};

/** One request at a time, and a timer only after its answer: there is never a second one on the way. */
export class Poller {
  /**
   * @param {object} options
   * @param {(etag?: string) => Promise<{data: any, etag?: string, unchanged?: boolean}>} options.load
   * @param {(data: any) => boolean} [options.over] whether nothing can change any more
   * @param {(state: {data?: any, error?: Error, retryIn?: number}) => void} options.show
   * @param {number} [options.fastest] ms
   * @param {typeof BROWSER} [options.world]
   */
  constructor({ load, over = () => false, show, fastest = 1000, world = BROWSER }) {
    Object.assign(this, { load, over, show, fastest, world });
    this.pace = START;
    this.etag = undefined;
    this.busy = false;
    this.again = false;
    this.stopped = false;
    this.unlisten = world.listen(() => this.nudge());
    this.timer = world.hidden() ? undefined : world.later(0, () => this.poll());
  }

  /** Ask now, after a change, or when the tab is shown again. */
  nudge() {
    this.world.never(this.timer);
    if (this.stopped || this.world.hidden()) return;
    this.pace = { ...this.pace, quiet: 0 };
    if (this.busy) this.again = true;
    else this.poll();
  }

  stop() {
    this.stopped = true;
    this.world.never(this.timer);
    this.unlisten();
  }

  async poll() {
    this.busy = true;
    this.again = false;
    const wait = await this.ask();
    this.busy = false;
    if (this.stopped || wait === undefined || this.world.hidden()) return;
    this.timer = this.world.later(this.again ? 0 : wait, () => this.poll());
  }

  /** @returns {Promise<number | undefined>} ms until the next request, undefined for never */
  async ask() {
    try {
      const { data, etag, unchanged } = await this.load(this.etag);
      if (this.stopped) return undefined;
      this.pace = next(this.pace, unchanged ? "unchanged" : "changed");
      this.etag = etag;
      if (!unchanged) this.data = data;
      this.show({ data: this.data });
      return this.over(this.data) && !this.again ? undefined : delay(this.pace, { fastest: this.fastest });
    } catch (error) {
      return this.stopped ? undefined : this.failed(error);
    }
  }

  failed(error) {
    if (!passes(error.status)) {
      this.show({ data: this.data, error });
      return undefined;
    }
    this.pace = next(this.pace, "failed");
    const wait = delay(this.pace, { fastest: this.fastest, retryAfter: error.retryAfter, random: this.world.random() });
    this.show({ data: this.data, error, retryIn: wait });
    return wait;
  }
}

/**
 * A resource of the API, kept up to date while the component is shown.
 * @param {string | undefined} path undefined: nothing is asked
 * @param {{over?: (data: any) => boolean, fastest?: number, load?: (etag?: string) => Promise<any>}} [options]
 * @returns {{data?: any, error?: Error, retryIn?: number, refresh: () => void}}
 */
export function usePolled(path, { over, fastest, load } = {}) {
  const [state, setState] = useState({ path });
  const poller = useRef(null);
  // Of the current drawing, not of the first one: a task may have ended since, or been retried.
  const isOver = useRef(over);
  isOver.current = over;
  useEffect(() => {
    if (path === undefined) return undefined;
    const options = {
      load: load ?? ((etag) => request(path, { etag })),
      over: (data) => isOver.current?.(data) ?? false,
      show: (found) => setState({ ...found, path }),
      fastest,
    };
    poller.current = new Poller(options);
    return () => poller.current.stop();
  }, [path, fastest]);
  const { path: shown, ...found } = state;
  return { ...(shown === path ? found : {}), refresh: () => poller.current?.nudge() };
}
