/**
 * Loads the page, and again where a file of it did not come: dozens are asked for at once the first time, and where
 * Lambda has no room for so many calls, it refuses some. Those that came are kept.
 */

const TRIES = "tasks.loads";
const MOST = 4;

try {
  await import("./app.js");
  sessionStorage.removeItem(TRIES);
} catch (error) {
  const tries = Number(sessionStorage.getItem(TRIES)) + 1;
  console.error(error);
  if (tries < MOST) {
    sessionStorage.setItem(TRIES, String(tries));
    setTimeout(() => location.reload(), 500 * 2 ** tries);
  } else {
    sessionStorage.removeItem(TRIES);
    const said = document.createElement("p");
    said.className = "centre";
    said.setAttribute("role", "alert");
    said.textContent = "The page could not be loaded. Wait a moment, and reload it.";
    document.getElementById("app").replaceChildren(said);
  }
}
