/**
 * Loads the page, and again if a file is missing: the first load asks for dozens at once, and Lambda may refuse
 * some of so many calls. The browser keeps the others.
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
