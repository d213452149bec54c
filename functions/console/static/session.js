/** The session. Tokens live in sessionStorage: a closed tab forgets them, a reload does not. */

import { userOf } from "./core/token.js";
import { PoolSession } from "./session-pool.js";
import { TokenSession } from "./session-token.js";
import { store } from "./store.js";

/**
 * @typedef {{name: string, sub: string, tenant: string, groups: string[]}} User
 * @typedef {{phase: "loading" | "out" | "in", user?: User, notice?: string}} State
 */

/** Read it by `session.get()`, in a component by `useStore(session)`. */
export const session = store(/** @type {State} */ ({ phase: "loading" }));
let source;

/** @param {import("./config.js").Config} config */
export async function start(config) {
  source = config.userPoolId ? new PoolSession(config) : new TokenSession();
  const token = await source.token().catch(() => undefined);
  session.set(token ? { phase: "in", user: userOf(token) } : { phase: "out" });
}

/** A fresh ID token. Ends the session if there is none any more; raises if the user pool cannot be reached. */
export async function bearer() {
  const token = await source.token().catch(unlessUnreachable);
  if (!token) expired();
  return token ?? "";
}

/** A session that cannot be renewed has ended; an unreachable user pool does not end it. */
function unlessUnreachable(error) {
  if (error.code === "NetworkError") throw error;
  return undefined;
}

let renewing;

/** A new token after a 401, or undefined. Several requests that fail together ask once. */
export function renewed() {
  renewing ??= source.renew().catch(() => undefined).finally(() => (renewing = undefined));
  return renewing;
}

/** The page and its address stay behind the sign-in, so that the user comes back to them. */
export function expired() {
  if (session.get().phase !== "in") return;
  source.forget();
  session.set({ phase: "out", notice: "Your session has ended. Sign in again to go on." });
}

export function signOut() {
  source.forget();
  session.set({ phase: "out", notice: "You are signed out." });
}

/**
 * One step of signing in. @param {object} answers of the form @returns {Promise<{ask?: "newPassword" | "code", hint?:
 * string}>} the next question; nothing when it is done
 */
export async function signIn(answers) {
  const step = await source.signIn(answers);
  if (!step.ask) session.set({ phase: "in", user: userOf(await source.token()) });
  return step;
}
