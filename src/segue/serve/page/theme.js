// Runs before the page is drawn, so that nobody sees the other theme for a moment.
(() => {
  let theme = null;
  try {
    theme = localStorage.getItem("segue.theme");
  } catch {
    // storage is refused: the system's theme it is
  }
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
})();
