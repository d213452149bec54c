/** Claims of an ID token, unchecked: the API checks them. Pure. */

/** @param {string} token @returns {Record<string, any>} its claims. Raises an error if it is no token. */
export function claimsOf(token) {
  const part = token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/");
  const bytes = Uint8Array.from(atob(part), (letter) => letter.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes));
}

/** @returns {boolean} whether it is no longer valid. @param {number} now in ms */
export function over(token, now) {
  const { exp } = claimsOf(token);
  return typeof exp === "number" && exp * 1000 <= now;
}

/** @returns {import("../session.js").User} */
export function userOf(token) {
  const claims = claimsOf(token);
  const name = claims.email ?? claims["cognito:username"] ?? claims.preferred_username ?? claims.sub ?? "";
  const groups = [claims["cognito:groups"] ?? []].flat();
  return { name, sub: claims.sub ?? "", tenant: claims["custom:tenant"] ?? "", groups };
}
