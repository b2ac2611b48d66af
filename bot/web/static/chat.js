"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const log = $("log"), say = $("say"), banner = $("banner"), link = $("link"), attached = $("attached"), speaker = $("speaker");
  const MOST_CHARACTERS = 4000, MOST_BYTES = 20 * 1024 * 1024, MOST_EXPORT_BYTES = 400 * 1024 * 1024, EXPORT = /\.(xlsx|xlsm|xls|zip|csv)$/i, NO_SESSION = 4401, OTHER_PERSON = 4402;
  const mostFiles = Number($("composer").dataset.mostFiles);
  const unsent = new Map(); // message id → frame, until the server has said that it has it
  const waiting = new Set(); // message ids without an answer
  let socket = null, tries = 0, timer = 0, recall = -1, draft = "", over = false, files = [], wanted = 0;
  const title = document.title;

  // --- the log -------------------------------------------------------------------------------------------------

  const atEnd = () => window.innerHeight + window.scrollY >= document.documentElement.scrollHeight - 160;
  const toEnd = () => window.scrollTo({ top: document.documentElement.scrollHeight });
  const showEmpty = () => { $("empty").hidden = log.childElementCount > 0; };

  function typing(on) {
    let dots = $("typing");
    if (!on) return dots?.remove();
    if (!dots) {
      dots = document.createElement("div");
      dots.id = "typing";
      dots.className = "typing";
      dots.setAttribute("aria-label", "Working on it");
      dots.append(...[0, 1, 2].map(() => document.createElement("i")));
    }
    log.append(dots);
  }

  function add(html, follow) {
    const stay = !follow && !atEnd();
    const holder = document.createElement("template");
    holder.innerHTML = html; // made and escaped by the server
    const first = holder.content.firstElementChild;
    log.append(holder.content);
    typing(waiting.size > 0);
    showEmpty();
    if (stay) $("down").hidden = false;
    else if (first?.matches(".card") && first.offsetHeight > window.innerHeight - 260) {
      first.scrollIntoView({ block: "start" }); // a long answer is read from its top
      $("down").hidden = false;
    } else if (first) toEnd();
  }

  function refused(text) {
    const note = document.createElement("p");
    note.className = "refused";
    note.textContent = text;
    log.append(note);
    typing(waiting.size > 0);
    toEnd();
  }

  // --- the socket ----------------------------------------------------------------------------------------------

  function state(name, words) {
    link.dataset.state = name;
    link.lastElementChild.textContent = words;
  }

  function alarm(text, again) {
    banner.hidden = !text;
    banner.firstElementChild.textContent = text;
    banner.lastElementChild.hidden = !again;
  }

  const heard = {
    history({ html, person, counts }) {
      if (person !== document.body.dataset.person) return location.reload(); // another tab speaks as another person
      heard.waiting({ counts });
      log.replaceChildren();
      waiting.clear();
      add(html, true);
      for (const said of log.querySelectorAll(".said[data-id]")) waiting.add(said.dataset.id);
      typing(waiting.size > 0);
      for (const frame of unsent.values()) socket.send(frame);
    },
    said({ id, html }) {
      unsent.delete(id);
      waiting.add(id);
      add(html, true);
    },
    reply({ id, html }) {
      waiting.delete(id);
      add(html, false);
    },
    refused({ id, text }) {
      const frame = unsent.get(id);
      unsent.delete(id);
      if (frame && !say.value) { say.value = JSON.parse(frame).text; grow(); }
      refused(text);
    },
    known({ id }) { unsent.delete(id); },
    live({ key, html }) {
      const end = atEnd(), told = window.cards.redraw(log, key, html);
      if (told && end) toEnd();
    },
    waiting({ counts }) {
      const own = counts[document.body.dataset.person] ?? 0;
      if (own > wanted) window.cards.speak(own === 1 ? "One request waits for you" : `${own} requests wait for you`);
      wanted = own;
      document.title = own ? `(${own}) ${title}` : title; // seen from another tab of the browser
      $("waiting").hidden = !own;
      $("waiting").lastElementChild.textContent = own;
      for (const option of speaker?.options ?? []) {
        const count = counts[option.value] ?? 0;
        option.textContent = option.dataset.words + (count ? ` (${count} waiting)` : "");
      }
    },
    speaker() { location.reload(); },
  };

  function connect() {
    clearTimeout(timer);
    if (socket && socket.readyState < WebSocket.CLOSING) return;
    state("wait", "connecting");
    socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`);
    socket.onopen = () => { tries = 0; state("on", "connected"); alarm("", false); };
    socket.onmessage = (event) => { const said = JSON.parse(event.data); heard[said.type]?.(said); };
    socket.onclose = ({ code }) => {
      typing(false);
      if (code === NO_SESSION) {
        over = true;
        state("off", "session ended");
        alarm("This session has ended. Open the link that you are given when you ask for one: in private in your chat, or in a terminal.", false);
        return;
      }
      if (code === OTHER_PERSON) return location.reload();
      const wait = Math.min(1000 * 2 ** tries++, 15000);
      state("off", "not connected");
      alarm("Stackhand does not answer. What you write is kept and sent when it is back.", true);
      timer = setTimeout(connect, wait * (0.75 + Math.random() / 2));
    };
  }

  function sayThis(text, keys = []) {
    if (over || (!text.trim() && !keys.length)) return;
    const id = window.crypto.randomUUID?.() ?? [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16)).join("-");
    const frame = JSON.stringify({ id, text, files: keys });
    unsent.set(id, frame);
    if (socket.readyState === WebSocket.OPEN) socket.send(frame);
    else connect();
  }

  // --- writing -------------------------------------------------------------------------------------------------

  function grow() {
    say.style.height = "auto";
    say.style.height = `${Math.min(say.scrollHeight, 200)}px`;
    const left = MOST_CHARACTERS - say.value.length;
    $("count").textContent = left < 400 ? `${left} characters left` : "";
    $("count").className = left < 0 ? "bad" : "";
    $("send").disabled = !say.value.trim() && !files.length;
  }

  function submit() {
    if (files.some((file) => !file.key)) return;
    sayThis(say.value, files.map((file) => file.key));
    files = [];
    say.value = "";
    recall = -1;
    showFiles();
  }

  function recalled(step) {
    const said = [...log.querySelectorAll(".said .bubble:not(.file)")].map((p) => p.textContent).reverse();
    if (recall < 0) draft = say.value;
    recall = Math.max(-1, Math.min(recall + step, said.length - 1));
    say.value = recall < 0 ? draft : said[recall];
    grow();
  }

  say.addEventListener("input", () => { recall = -1; grow(); });
  say.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); submit(); }
    if (event.key === "ArrowUp" && (recall >= 0 || !say.value)) { event.preventDefault(); recalled(1); }
    if (event.key === "ArrowDown" && recall >= 0) { event.preventDefault(); recalled(-1); }
    if (event.key === "Escape") say.blur();
  });
  document.addEventListener("keydown", (event) => {
    const typed = event.target.matches("input, textarea, select");
    if (event.key === "/" && !typed && !event.ctrlKey && !event.metaKey) { event.preventDefault(); say.focus(); }
  });
  $("composer").addEventListener("submit", (event) => { event.preventDefault(); submit(); say.focus(); });

  // --- files ---------------------------------------------------------------------------------------------------

  function showFiles() {
    const end = atEnd();
    attached.replaceChildren(...files.map((file) => {
      const item = document.createElement("li");
      const name = document.createElement("bdi");
      const remove = document.createElement("button");
      name.textContent = file.name;
      remove.type = "button";
      remove.textContent = "×";
      remove.setAttribute("aria-label", `Remove ${file.name}`);
      remove.onclick = () => {
        files = files.filter((other) => other !== file);
        if (file.key) fetch(`/uploads/${file.key}`, { method: "DELETE" });
        showFiles();
      };
      item.classList.toggle("busy", !file.key);
      item.append(name, remove);
      return item;
    }));
    grow();
    if (end) toEnd();
  }

  async function attach(file) {
    if (files.length >= mostFiles) return refused(`Up to ${mostFiles} files go with one message.`);
    if (file.size > (EXPORT.test(file.name) ? MOST_EXPORT_BYTES : MOST_BYTES)) return refused(`${file.name} is too large: with one message RVTools exports of up to 400 MiB are taken, and other files of up to 20 MiB.`);
    const entry = { name: file.name, key: "" };
    files.push(entry);
    showFiles();
    try {
      const headers = { "X-File-Name": encodeURIComponent(file.name.toWellFormed?.() ?? file.name) };
      const response = await fetch("/uploads", { method: "POST", body: file, headers });
      const body = response.headers.get("Content-Type")?.includes("json") ? await response.json() : { error: await response.text() };
      if (!response.ok) throw new Error(body.error);
      entry.key = body.id;
    } catch (error) {
      files = files.filter((other) => other !== entry);
      refused(`${file.name} was not taken: ${error.message}`);
    }
    showFiles();
  }

  $("attach").addEventListener("click", () => $("files").click());
  $("files").addEventListener("change", (event) => { [...event.target.files].forEach(attach); event.target.value = ""; });
  const carries = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  document.addEventListener("dragenter", (event) => { if (carries(event)) $("drop").hidden = false; });
  document.addEventListener("dragover", (event) => { if (carries(event)) event.preventDefault(); });
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) $("drop").hidden = true; });
  document.addEventListener("drop", (event) => {
    $("drop").hidden = true;
    if (!carries(event)) return;
    event.preventDefault();
    [...event.dataTransfer.files].forEach(attach);
    say.focus();
  });
  say.addEventListener("paste", (event) => { if (event.clipboardData.files.length) [...event.clipboardData.files].forEach(attach); });

  // --- the rest ------------------------------------------------------------------------------------------------

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-say]");
    if (!button || window.cards.justChanged(button)) return;
    if (window.cards.form(button.dataset.say, sayThis)) return;
    sayThis(button.dataset.say);
    if (window.matchMedia("(hover: hover)").matches) say.focus();
  });
  $("theme").addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : window.matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    try { localStorage.setItem("theme", root.dataset.theme); } catch { /* kept for this visit only */ }
  });
  // Not a form: a browser that sends no referrer sends no Origin with one either, and the server wants to see it.
  $("new").addEventListener("click", async () => {
    const begun = await fetch("/new", { method: "POST" }).catch(() => null);
    if (begun?.ok) location.reload();
    else refused("A new conversation could not be begun: Stackhand does not answer.");
  });
  speaker?.addEventListener("change", async () => {
    const headers = { "Content-Type": "application/json" };
    const changed = await fetch("/speak-as", { method: "POST", headers, body: JSON.stringify({ person: speaker.value }) }).catch(() => null);
    if (changed?.ok) return location.reload();
    speaker.value = document.body.dataset.person;
    refused("Who speaks was not changed: Stackhand does not answer.");
  });
  banner.lastElementChild.addEventListener("click", connect);
  $("down").addEventListener("click", () => { toEnd(); $("down").hidden = true; });
  window.addEventListener("scroll", () => { if (atEnd()) $("down").hidden = true; }, { passive: true });
  window.addEventListener("online", connect);
  try { // words that another page of ours brought along: sent by nobody but the person
    say.value = sessionStorage.getItem("ask") ?? "";
    sessionStorage.removeItem("ask");
  } catch { /* storage may be forbidden */ }
  grow();
  connect();
})();
