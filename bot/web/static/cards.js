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

  // What a button asks before it counts: the words behind which the answer stands, and the question.
  const ASKS = [
    [/^approve by name #request\/[0-9a-f]{32}$/, "typed", "The name, letter by letter as the card shows it", "Approve"],
    [/^change the name #request\/[0-9a-f]{32}( with( \w+=\S*)+)?$/, "typed", "Name of the new VM", "Show the plan"],
    [/^(deny|break_glass) #request\/[0-9a-f]{32}$/, "because", "Why?", "Send"],
  ];

  function form(said, send) {
    const asked = ASKS.find(([pattern]) => pattern.test(said));
    if (!asked) return false;
    const [, word, question, label] = asked;
    const dialog = document.createElement("dialog"), box = document.createElement("form");
    const words = document.createElement("label"), field = document.createElement("input");
    const ok = document.createElement("button"), no = document.createElement("button");
    dialog.className = "asked";
    box.method = "dialog";
    words.textContent = question;
    field.required = true;
    field.maxLength = 1000;
    field.autocomplete = "off";
    [ok.textContent, ok.value, no.textContent, no.value, no.type] = [label, "ok", "Cancel", "", "button"];
    no.className = "quiet";
    no.addEventListener("click", () => dialog.close(""));
    dialog.addEventListener("close", () => {
      if (dialog.returnValue === "ok" && field.value.trim()) send(`${said} ${word} ${field.value.trim()}`);
      dialog.remove();
    });
    words.append(field);
    box.append(words, ok, no);
    dialog.append(box);
    document.body.append(dialog);
    dialog.showModal();
    return true;
  }

  window.cards = {
    form,
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
