// Elements made without markup: what comes from a learner is text, and can be nothing else.

type Child = Node | string | undefined | false;

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children.filter((child): child is Node | string => child !== undefined && child !== false));
  return made;
}

/** A name in its own direction, so that it does not turn what stands beside it. */
export function person(name: string): HTMLElement {
  return element("bdi", { dir: "auto" }, name);
}

export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no #${id}.`);
  return found as T;
}

export function button(words: string, act: () => void, label?: string): HTMLButtonElement {
  const made = element(
    "button",
    { type: "button", ...(label !== undefined && { "aria-label": label }) },
    words,
  );
  made.addEventListener("click", act);
  return made;
}

/** Not in the page: a key may hold names, which a projector must not show. */
const filled = new WeakMap<HTMLElement, string>();

/** Replaces a list's items, unless they say the same: what has the focus keeps it. */
export function fill(list: HTMLElement, key: string, items: () => Node[]): void {
  if (filled.get(list) === key) return;
  filled.set(list, key);
  const focused = list.contains(document.activeElement)
    ? document.activeElement?.getAttribute("data-act")
    : undefined;
  list.replaceChildren(...items());
  if (focused) list.querySelector<HTMLElement>(`[data-act="${CSS.escape(focused)}"]`)?.focus();
}
