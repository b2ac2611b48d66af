"use strict";
// Live cards: redrawn in place, so that what is unchanged stays as it is: focus, an open table, a bar that moves on.
(() => {
  const CALM_MS = 500; // buttons that have just appeared under the pointer are not pressed by accident
  const SPEAK_MS = 4000; // between two things that a screen reader is told
  const KEPT = new Set(["data-at", "data-open", "aria-sort", "aria-live", "tabindex"]); // what the page set itself
  const changed = new WeakMap(); // card → when its buttons changed
  let spokenAt = 0, timer = 0;

  function attributes(old, fresh) {
    for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name) && !KEPT.has(name)) old.removeAttribute(name);
    for (const { name, value } of fresh.attributes) {
      if (old.getAttribute(name) !== value && !(KEPT.has(name) && old.hasAttribute(name))) old.setAttribute(name, value);
    }
  }

  function morph(old, fresh) {
    const same = old.nodeName === fresh.nodeName && old.dataset?.say === fresh.dataset?.say;
    if (!same) return old.replaceWith(fresh);
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.data !== fresh.data) old.data = fresh.data;
      return;
    }
    attributes(old, fresh);
    const before = [...old.childNodes], after = [...fresh.childNodes];
    after.forEach((child, at) => (at < before.length ? morph(before[at], child) : old.append(child)));
    before.slice(after.length).forEach((child) => child.remove());
  }

  const buttons = (card) => [...card.querySelectorAll("[data-say]")].map((button) => button.dataset.say).join("\n");

  // One short line, not the whole card: its heading when that is another one, not too often, and the last one surely.
  function speak(words) {
    clearTimeout(timer);
    timer = setTimeout(() => {
      spokenAt = Date.now();
      document.getElementById("spoken").textContent = words;
    }, Math.max(0, spokenAt + SPEAK_MS - Date.now()));
  }

  function bring(card, html) {
    const holder = document.createElement("template");
    holder.innerHTML = html; // made and escaped by the server
    const fresh = holder.content.firstElementChild;
    if (!fresh) { // it says already what came of it
      card.removeAttribute("data-live");
      card.querySelector(".pulse")?.remove();
      return;
    }
    const focused = card.contains(document.activeElement) ? document.activeElement : null;
    const heading = card.querySelector("h2")?.textContent, said = buttons(card);
    card.ariaLive = "off";
    morph(card, fresh);
    if (buttons(card) !== said) changed.set(card, Date.now());
    if (focused && !focused.isConnected) { card.tabIndex = -1; card.focus({ preventScroll: true }); }
    const now = card.querySelector("h2")?.textContent;
    if (now && now !== heading) speak(now);
    card.dispatchEvent(new Event("redrawn", { bubbles: true }));
  }

  window.cards = {
    speak,
    redraw(log, key, html) {
      const shown = [...log.querySelectorAll(".card[data-live]")].filter((card) => card.dataset.live === key);
      shown.forEach((card) => bring(card, html));
      return shown.length > 0;
    },
    justChanged(button) {
      const card = button.closest(".card");
      return card !== null && Date.now() - (changed.get(card) ?? 0) < CALM_MS;
    },
  };
})();
