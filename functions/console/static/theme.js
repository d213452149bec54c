/* Not a module: it runs before the first paint, so that a dark page does not flash white. */
(() => {
  const chosen = localStorage.getItem("serverless-tasks.theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
