"use strict";
// A link of a chat: its token stands behind the #, which is sent to nobody before the button is pressed.
(() => {
  const button = document.getElementById("enter"), told = document.getElementById("told");
  let sure = false;

  function over(text) {
    told.textContent = text;
    button.hidden = true;
  }

  async function enter() {
    button.disabled = true;
    const token = location.hash.slice(1);
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch("/enter", { method: "POST", headers, body: JSON.stringify({ token, sure }) }).catch(() => null);
    button.disabled = false;
    if (!answer || answer.status >= 500) {
      told.textContent = "Stackhand does not answer: press again in a moment.";
      return;
    }
    const said = answer.headers.get("Content-Type")?.includes("json") ? await answer.json() : { text: await answer.text() };
    if (answer.ok) return location.replace(said.opens);
    if (answer.status !== 409) return over(said.text);
    sure = true;
    told.textContent = said.text;
    button.textContent = `Sign out, and go on as ${said.other}`;
  }

  button.addEventListener("click", enter);
  window.addEventListener("hashchange", () => location.reload()); // another link, in the same tab
  if (location.hash.length < 2) over("There is no link in this address. Open it again where you got it.");
})();
