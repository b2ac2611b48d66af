"use strict";
// Tables: sort by a header, unfold, copy. Values to sort by are in data-v; an empty one is unknown and goes last.
(() => {
  const compare = (numeric, down) => (a, b) => {
    if (a.key === "" || b.key === "") return (a.key === "") - (b.key === "") || a.at - b.at;
    const order = numeric ? Number(a.key) - Number(b.key) : a.key.localeCompare(b.key, undefined, { numeric: true });
    return (down ? -order : order) || a.at - b.at;
  };

  function refold(table) {
    const open = table.dataset.open === "yes";
    const first = Number(table.dataset.first);
    [...table.tBodies[0].rows].forEach((row, at) => { row.hidden = !open && at >= first; });
  }

  // The first press shows what is wanted most: the largest number, the first letter.
  const turned = (head) => (head.ariaSort === "none" ? head.dataset.kind === "n" : head.ariaSort === "ascending");

  function sort(head, down) {
    const table = head.closest("table");
    const body = table.tBodies[0];
    const at = head.cellIndex;
    const numeric = head.dataset.kind === "n";
    [...body.rows].forEach((row, n) => { row.dataset.at ??= n; });
    const rows = [...body.rows].map((row) => ({ row, key: row.cells[at]?.dataset.v ?? "", at: Number(row.dataset.at) }));
    rows.sort(compare(numeric, down));
    body.append(...rows.map((r) => r.row));
    for (const other of head.parentElement.cells) other.ariaSort = "none";
    head.ariaSort = down ? "descending" : "ascending";
    refold(table);
  }

  // A cell that a spreadsheet would run as a formula gets an apostrophe; quotes by RFC 4180.
  function csvCell(cell) {
    const text = (cell.textContent ?? "").trim();
    const safe = /^[=+\-@\t\r\uFF0B\uFF0D\uFF1D\uFF20]/.test(text) ? `'${text}` : text;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  }

  async function copy(button) {
    const table = button.closest(".sheet").querySelector("table");
    const text = [...table.rows].map((row) => [...row.cells].map(csvCell).join(",")).join("\r\n");
    const label = button.textContent;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "The browser did not allow it";
    }
    setTimeout(() => { button.textContent = label; }, 1800);
  }

  // A live card has new rows, in the server's order: they are shown as the person had them.
  document.addEventListener("redrawn", ({ target }) => {
    for (const table of target.querySelectorAll("table")) {
      [...table.tBodies[0].rows].forEach((row) => { delete row.dataset.at; });
      const head = table.querySelector('th:not([aria-sort="none"])');
      if (head) sort(head, head.ariaSort === "descending");
      else refold(table);
      const unfold = table.closest(".sheet").querySelector(".unfold");
      if (unfold && table.dataset.open === "yes") unfold.textContent = unfold.dataset.less;
    }
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.matches("th button")) sort(button.closest("th"), turned(button.closest("th")));
    if (button.matches(".copy")) copy(button);
    if (button.matches(".unfold")) {
      const table = button.closest(".sheet").querySelector("table");
      table.dataset.open = table.dataset.open === "yes" ? "no" : "yes";
      button.textContent = table.dataset.open === "yes" ? button.dataset.less : button.dataset.more;
      refold(table);
    }
  });
})();
