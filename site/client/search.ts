// The search: a dialog that finds parts of lessons, beliefs and words of the glossary. Loaded when it is first opened.
import MiniSearch from "minisearch";
import type { Found } from "../search.ts";

declare global {
  var learnNatsPages: Found[];
}

const most = 12;
const pages = globalThis.learnNatsPages;
const index = new MiniSearch<Found & { id: number }>({
  fields: ["h", "t", "p"],
  searchOptions: {
    boost: { h: 4, p: 2 },
    prefix: true,
    fuzzy: (word) => (word.length > 4 ? 0.2 : false),
    combineWith: "AND",
  },
});
index.addAll(pages.map((page, id) => ({ ...page, id })));

const dialog = document.createElement("dialog");
dialog.className = "search";
dialog.setAttribute("aria-label", "Search");
const field = document.createElement("input");
field.type = "search";
field.placeholder = "ack, redelivery, flush …";
field.setAttribute("aria-label", "Search the course");
field.autocomplete = "off";
const status = document.createElement("p");
status.setAttribute("role", "status");
status.className = "quiet";
const list = document.createElement("ul");
dialog.append(field, status, list);
document.body.append(dialog);
let root = "";

field.addEventListener("input", search);
field.addEventListener("keydown", (event) => {
  if (event.key === "Enter") list.querySelector("a")?.click();
});
dialog.addEventListener("keydown", (event) => {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  event.preventDefault();
  const stops: HTMLElement[] = [field, ...list.querySelectorAll<HTMLElement>("a")];
  const at = stops.indexOf(document.activeElement as HTMLElement) + (event.key === "ArrowDown" ? 1 : -1);
  stops[Math.max(0, Math.min(stops.length - 1, at))]?.focus();
});
dialog.addEventListener("click", (event) => {
  if (event.target === dialog || (event.target as Element).closest("a")) dialog.close();
});

globalThis.learnNatsSearch = (from) => {
  root = from;
  if (!dialog.open) dialog.showModal();
  field.select();
};

function search(): void {
  const hits = index.search(field.value).slice(0, most);
  list.replaceChildren(...hits.flatMap(({ id }) => (pages[id] ? [item(pages[id])] : [])));
  status.textContent =
    field.value === ""
      ? ""
      : hits.length === 0
        ? "Nothing found."
        : `${hits.length} found. Arrow keys move, Enter opens.`;
}

function item({ u, p, h, t }: Found): HTMLLIElement {
  const made = document.createElement("li");
  const link = document.createElement("a");
  link.href = root + u;
  const title = document.createElement("strong");
  title.textContent = h;
  const where = document.createElement("span");
  where.className = "quiet";
  where.textContent = p;
  const words = document.createElement("span");
  words.className = "words";
  words.textContent = t.length > 140 ? `${t.slice(0, t.lastIndexOf(" ", 140))} …` : t;
  link.append(title, " ", where, words);
  made.append(link);
  return made;
}
