/** A session by a pasted ID token: for stacks with an issuer of their own. */

import { claimsOf, over } from "./core/token.js";

const KEY = "serverless-tasks.token";

export class TokenSession {
  async token() {
    const token = sessionStorage.getItem(KEY);
    return token && !over(token, Date.now()) ? token : undefined;
  }

  /** Only the issuer can make another one. */
  async renew() {
    return undefined;
  }

  async signIn({ token }) {
    const text = token.trim().replace(/^Bearer\s+/i, "");
    if (!readable(text)) throw new Error("This is no ID token. It has three parts with dots between them.");
    if (over(text, Date.now())) throw new Error("This token has expired. Paste a new one.");
    sessionStorage.setItem(KEY, text);
    return {};
  }

  forget() {
    sessionStorage.removeItem(KEY);
  }
}

function readable(token) {
  try {
    return typeof claimsOf(token) === "object";
  } catch {
    return false;
  }
}
