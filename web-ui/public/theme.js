// Before the first paint: a page that was made dark must not flash white.
try {
  const theme = localStorage.getItem("rbee.theme");
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
} catch {
  // No storage: the system's choice stands.
}
