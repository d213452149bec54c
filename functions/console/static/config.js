/** Addresses, relative to this file: a stage, or the path of a custom domain, may come before it. */

/** The API's address, with a slash at its end: this file is at `console/<release>/config.js` of it. */
export const API = new URL("../..", import.meta.url);

/**
 * @typedef {object} Config
 * @property {string} region
 * @property {string} userPoolId empty with an issuer of one's own
 * @property {string} userPoolClientId
 * @property {string} cognitoEndpoint empty for that of AWS
 * @property {string} issuer
 * @property {string} version
 */

/** @returns {Promise<Config>} */
export async function loadConfig() {
  const answer = await fetch(new URL("config.json", import.meta.url), { cache: "no-cache" });
  if (!answer.ok) throw new Error(`config.json: ${answer.status}`);
  return answer.json();
}
