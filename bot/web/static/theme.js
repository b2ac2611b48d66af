"use strict";
// Loaded before the page is painted, so that a kept choice of light or dark never flashes.
(() => {
  let kept = null;
  try { kept = localStorage.getItem("theme"); } catch { /* storage may be forbidden */ }
  if (kept === "dark" || kept === "light") document.documentElement.dataset.theme = kept;
})();
