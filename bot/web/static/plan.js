"use strict";
// The pages of a plan work without this: it switches the theme, brings what takes long, and takes words to the chat.
(() => {
  document.getElementById("theme").addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : window.matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    try { localStorage.setItem("theme", root.dataset.theme); } catch { /* kept for this visit only */ }
  });

  // The chat finds the words in its field, and the person sends them or not.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-ask]");
    if (!link) return;
    try { sessionStorage.setItem("ask", link.dataset.ask); } catch { /* the chat opens with an empty field */ }
  });

  document.querySelector(".filter")?.addEventListener("change", (event) => {
    if (event.target.matches("select")) event.currentTarget.requestSubmit();
  });
  // Empty fields need not stand in the address.
  document.querySelector(".filter")?.addEventListener("submit", ({ currentTarget }) => {
    for (const field of currentTarget.elements) if (field.name && (!field.value || field.value === "in")) field.disabled = true;
  });
  window.addEventListener("pageshow", () => {
    for (const field of document.querySelectorAll(".filter [disabled]")) field.disabled = false;
  });

  async function load(part) {
    const html = await fetch(part.dataset.load).then((answer) => (answer.ok ? answer.text() : "")).catch(() => "");
    const fresh = new DOMParser().parseFromString(html, "text/html").getElementById(part.id);
    if (fresh) part.replaceWith(document.adoptNode(fresh));
    else part.querySelector("[role=status]").textContent = "Whether they are ready could not be worked out: load the page again.";
  }
  document.querySelectorAll("[data-load]").forEach(load);
})();
