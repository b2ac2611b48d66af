"use strict";
// Signing out, on every page that has the button for it.
document.getElementById("leave")?.addEventListener("click", async ({ currentTarget }) => {
  const left = await fetch("/leave", { method: "POST" }).catch(() => null);
  if (left?.ok) return location.assign("/");
  currentTarget.textContent = "Not signed out: try again";
});
