// What scripts add to a page that is whole without them: theme, ticks, copy buttons, search, players for timelines.
import { chosenTheme, keepTheme, keepTicks, type Theme, ticks } from "./kept.ts";
import { playTimelines } from "./player.ts";

declare global {
  /** What search.js sets. */
  var learnNatsSearch: ((root: string) => void) | undefined;
}

const page = document.documentElement;
const root = page.dataset.root ?? "";

addTools();
addCopyButtons();
showTicks();
openContents();
playTimelines();
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
  page.dataset.theme = "light";
});
addEventListener("afterprint", applyTheme);

function addTools(): void {
  const tools = document.querySelector(".tools");
  const search = button("Search", () => void openSearch(search));
  search.title = "Search (press /)";
  search.setAttribute("aria-keyshortcuts", "/");
  const theme = button("", () => {
    const next: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };
    keepTheme(next[chosenTheme()]);
    showTheme(theme);
  });
  showTheme(theme);
  tools?.append(search, theme);
  addEventListener("keydown", (event) => {
    const typing = (event.target as Element).closest?.("input, textarea, select, dialog");
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || typing) return;
    event.preventDefault();
    void openSearch(search);
  });
}

function applyTheme(): void {
  const theme = chosenTheme();
  if (theme === "system") delete page.dataset.theme;
  else page.dataset.theme = theme;
}

function showTheme(control: HTMLButtonElement): void {
  applyTheme();
  const theme = chosenTheme();
  control.textContent = { system: "◐ System", light: "○ Light", dark: "● Dark" }[theme];
  control.setAttribute("aria-label", `Theme: ${theme}`);
}

let loading: Promise<unknown> | undefined;

/** The search is loaded when somebody searches, once, and not before. After a failure the next try loads it again. */
async function openSearch(control: HTMLElement): Promise<void> {
  if (!globalThis.learnNatsSearch) {
    if (loading) return;
    loading = Promise.all([load("search-index.js"), load("search.js")]);
    try {
      await loading;
      control.textContent = "Search";
    } catch {
      control.textContent = "Search: no connection";
    } finally {
      loading = undefined;
    }
  }
  globalThis.learnNatsSearch?.(root);
}

function load(file: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = root + file;
    // In the order in which they were asked for: the search needs its words.
    script.async = false;
    script.onload = () => resolve();
    script.onerror = () => reject(new Error(`${file} could not be loaded`));
    document.head.append(script);
  });
}

function addCopyButtons(): void {
  for (const block of document.querySelectorAll<HTMLElement>(".code")) {
    if (block.closest(".output")) continue;
    const copy = button("Copy", async () => {
      await copyText(block.querySelector("code")?.textContent ?? "");
      copy.textContent = "Copied";
      setTimeout(() => {
        copy.textContent = "Copy";
      }, 1500);
    });
    copy.className = "copy";
    block.append(copy);
  }
}

/** The clipboard is not there for a page from disk in every browser. */
async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

function showTicks(): void {
  const done = ticks();
  for (const item of document.querySelectorAll<HTMLElement>(".lessons [data-lesson]")) {
    if (!done.has(item.dataset.lesson ?? "")) continue;
    item.classList.add("done");
    item.querySelector(".title")?.append(hidden(" (done)"));
  }
  const section = document.querySelector<HTMLElement>(".after[data-lesson]");
  const place = section?.querySelector(".tick");
  const id = section?.dataset.lesson ?? "";
  if (!place) return;
  const label = document.createElement("label");
  const box = document.createElement("input");
  box.type = "checkbox";
  box.checked = done.has(id);
  box.addEventListener("change", () => {
    const now = ticks();
    if (box.checked) now.add(id);
    else now.delete(id);
    keepTicks(now);
  });
  label.append(box, " I have done this lesson (kept in this browser only)");
  place.append(label);
}

function openContents(): void {
  const contents = document.querySelector<HTMLDetailsElement>(".contents details");
  const wide = matchMedia("(min-width: 72rem)");
  const follow = () => {
    if (contents) contents.open = wide.matches;
  };
  follow();
  wide.addEventListener("change", follow);
}

function button(text: string, press: () => void): HTMLButtonElement {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.addEventListener("click", press);
  return made;
}

function hidden(text: string): HTMLElement {
  const made = document.createElement("span");
  made.className = "hidden";
  made.textContent = text;
  return made;
}
