"use strict";

const find = (selector) => document.querySelector(selector);
const all = (selector) => Array.from(document.querySelectorAll(selector));

/* Keys of this page: what each does. */
const keys = {
  "?": () => find("#help").showModal(),
};

/* --- The index: sorting and searching ------------------------------------ */

function sortBy(column, header) {
  const rising = header.getAttribute("aria-sort") !== "ascending";
  for (const each of all("#files thead th")) {
    each.removeAttribute("aria-sort");
  }
  header.setAttribute("aria-sort", rising ? "ascending" : "descending");
  const body = find("#files tbody");
  const value = (row) => {
    const cell = row.cells[column];
    return "v" in cell.dataset ? Number(cell.dataset.v) : cell.textContent.trim();
  };
  const rows = Array.from(body.rows, (row) => [value(row), row]);
  rows.sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0));
  if (!rising) {
    rows.reverse();
  }
  body.append(...rows.map(([, row]) => row));
}

function search() {
  const wanted = find("#search").value.toLowerCase();
  let shown = 0;
  for (const row of find("#files tbody").rows) {
    row.hidden = !row.cells[0].textContent.toLowerCase().includes(wanted);
    shown += row.hidden ? 0 : 1;
  }
  find("#nothing").hidden = shown > 0;
}

function goToFile(step) {
  const links = all("#files tbody tr:not([hidden]) a");
  const now = links.indexOf(document.activeElement);
  const next = now < 0 ? (step > 0 ? 0 : links.length - 1) : now + step;
  links[Math.min(Math.max(next, 0), links.length - 1)]?.focus();
}

function startIndex() {
  all("#files thead th").forEach((header, column) => {
    header.querySelector("button").addEventListener("click", () => sortBy(column, header));
  });
  const field = find("#search");
  field.addEventListener("input", search);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      field.value = "";
      search();
      field.blur();
    } else if (event.key === "Enter") {
      goToFile(1);
    }
  });
  keys["/"] = () => field.focus();
  keys.j = () => goToFile(1);
  keys.k = () => goToFile(-1);
  if (location.hash === "#search") {
    field.focus();
  }
  search();
}

/* --- A file: going from line to line -------------------------------------- */

let here = null;

function goToLine(rows, step) {
  if (rows.length === 0) {
    return;
  }
  const now = here ?? find("tr:target");
  const order = (row) => Number(row.id.slice(1));
  const line = now ? order(now) : step > 0 ? 0 : Infinity;
  const next = step > 0
    ? rows.find((row) => order(row) > line) ?? rows[0]
    : rows.findLast((row) => order(row) < line) ?? rows[rows.length - 1];
  here?.classList.remove("here");
  here = next;
  here.classList.add("here");
  here.scrollIntoView({ block: "center" });
  here.querySelector(".l a").focus({ preventScroll: true });
}

function hottest() {
  const rows = all(".source tr.h8");
  return rows.length > 0 ? rows : all(".source tr.h7");
}

function startFile() {
  const missing = all(".source tr.m, .source tr.p");
  const hot = hottest();
  keys.j = () => goToLine(missing, 1);
  keys.k = () => goToLine(missing, -1);
  keys.h = () => goToLine(hot, 1);
  keys.H = () => goToLine(hot, -1);
  keys.u = () => location.assign("index.html");
  keys["/"] = () => location.assign("index.html#search");
  find("#next").addEventListener("click", keys.j);
  find("#next").disabled = missing.length === 0;
  find("#hot").addEventListener("click", keys.h);
  find("#hot").disabled = hot.length === 0;
}

/* --------------------------------------------------------------------------- */

document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input, textarea");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || find("#help").open) {
    return;
  }
  if (Object.hasOwn(keys, event.key)) {
    event.preventDefault();
    keys[event.key]();
  }
});
find("#keys").addEventListener("click", keys["?"]);
if (document.body.classList.contains("index")) {
  startIndex();
} else {
  startFile();
}
