// The dashboard: shows what stands in the bucket, as it changes. A row is drawn again only when its learner has changed.
import { commonMistakes, csv, hands, lessonCounts, type Mistake, stuck } from "../insight.ts";
import type { Catalogue, LearnerSummary, RoomState, SharedCode } from "../summary.ts";
import { button, byId, element, fill, person } from "./dom.ts";
import { Link, type Listener } from "./link.ts";

const learners = new Map<string, LearnerSummary>();
const shares = new Map<string, SharedCode>();
const rows = new Map<string, HTMLTableRowElement>();
const changed = new Set<string>();
let catalogue: Catalogue = { lessons: [] };
let room: RoomState = { announcements: [], lowered: {}, removed: [] };
let view = "room";
let onProjector = false;
let drawn = false;

const listener: Listener = {
  opened(desk) {
    catalogue = desk.catalogue;
    byId("code").textContent = desk.code;
    drawHead();
  },
  entry(key, value) {
    const [kind, id = ""] = key.split(".");
    if (kind === "room" && value !== undefined) room = { ...room, ...(JSON.parse(value) as RoomState) };
    if (kind === "learner") {
      if (value === undefined) learners.delete(id);
      else learners.set(id, JSON.parse(value) as LearnerSummary);
      changed.add(id);
    }
    if (kind === "shared") {
      if (value === undefined) shares.delete(key);
      else shares.set(key, JSON.parse(value) as SharedCode);
    }
    soon();
  },
  whole: () => soon(),
  state(words, trouble) {
    byId("state").textContent = words;
    byId("state").classList.toggle("trouble", trouble);
  },
};
const link = new Link(listener);

function soon(): void {
  if (drawn) return;
  drawn = true;
  requestAnimationFrame(() => {
    drawn = false;
    drawRows();
    later();
  });
}

/** What is made of all learners together is drawn a few times a second. */
let waiting = false;
function later(): void {
  if (waiting) return;
  waiting = true;
  setTimeout(() => {
    waiting = false;
    drawAll();
  }, 200);
}

function drawHead(): void {
  const head = byId("grid").querySelector("thead tr");
  head?.replaceChildren(
    element("th", { scope: "col" }, "Learner"),
    ...catalogue.lessons.map(({ id, title }) =>
      element("th", { scope: "col", title }, id.replace("lesson-", "")),
    ),
  );
  byId("open-lesson").replaceChildren(
    element("option", { value: "" }, "none"),
    ...catalogue.lessons.map(({ id, title }) => element("option", { value: id }, `${id} ${title}`)),
  );
  rows.clear();
  byId("grid").querySelector("tbody")?.replaceChildren();
  for (const id of learners.keys()) changed.add(id);
  soon();
}

function drawRows(): void {
  if (onProjector) {
    changed.clear();
    return;
  }
  const body = byId("grid").querySelector("tbody") as HTMLTableSectionElement;
  for (const id of changed) {
    const learner = learners.get(id);
    const before = rows.get(id);
    if (!learner) {
      before?.remove();
      rows.delete(id);
      continue;
    }
    const row = before ?? element("tr", { "data-learner": id });
    row.replaceChildren(
      element("th", { scope: "row" }, person(learner.name)),
      ...catalogue.lessons.map(({ id: lesson }) => cell(learner, lesson)),
    );
    if (!before) {
      rows.set(id, row);
      body.append(row);
      sorted = false;
    }
    document.dispatchEvent(new CustomEvent("shown", { detail: { id, results: learner.results } }));
  }
  changed.clear();
}

let sorted = true;
function sortRows(): void {
  if (sorted) return;
  sorted = true;
  const name = (id: string) => learners.get(id)?.name ?? "";
  const order = [...rows].sort(([a], [b]) => name(a).localeCompare(name(b)));
  byId("grid")
    .querySelector("tbody")
    ?.replaceChildren(...order.map(([, row]) => row));
}

function cell({ lessons, current }: LearnerSummary, id: string): HTMLElement {
  const lesson = Object.hasOwn(lessons, id) ? lessons[id] : undefined;
  if (!lesson) return element("td");
  const mark = lesson.passed ? "✓" : `${lesson.ok}/${lesson.of}`;
  const words = lesson.passed
    ? "passed"
    : `${lesson.ok} of ${lesson.of} checks passed, graded ${lesson.gradings} times`;
  return element(
    "td",
    { class: lesson.passed ? "passed" : current === id ? "failing" : "quiet", title: words },
    mark,
  );
}

function drawAll(): void {
  sortRows();
  const all = [...learners.values()];
  drawCounts(all);
  drawStuck(all);
  drawMistakes(all);
  drawHands(all);
  drawSaid();
  drawShares();
}

function drawCounts(all: LearnerSummary[]): void {
  const body = byId("counts").querySelector("tbody") as HTMLElement;
  const counts = lessonCounts(all, catalogue).filter(({ passed, atWork }) => passed + atWork > 0);
  fill(body, JSON.stringify(counts.map(({ id, passed, atWork }) => [id, passed, atWork])), () =>
    counts.map(({ title, passed, atWork }) =>
      element(
        "tr",
        {},
        element("th", { scope: "row" }, title),
        element("td", {}, String(atWork)),
        element("td", {}, String(passed)),
      ),
    ),
  );
  byId("h-room").textContent = `${all.length === 1 ? "One learner" : `${all.length} learners`} by lessons`;
  const { pace } = room;
  byId("pace-line").textContent = [
    pace?.lesson && `${titleOf(pace.lesson)} is open.`,
    pace?.goOnAt && `We go on at ${pace.goOnAt}.`,
  ]
    .filter(Boolean)
    .join(" ");
}

function drawStuck(all: LearnerSummary[]): void {
  const found = onProjector ? [] : stuck(all, catalogue, Date.now()).slice(0, 20);
  const minutes = (since: number) => Math.floor((Date.now() - since) / 60_000);
  fill(
    byId("stuck"),
    JSON.stringify(
      found.map((each) => [each.learner.id, each.lesson, minutes(each.since), each.belief?.id, each.ok]),
    ),
    () =>
      found.length === 0
        ? [element("li", { class: "quiet" }, "Nobody for more than three minutes.")]
        : found.map(({ learner, lesson, since, belief, ok, of }) =>
            element(
              "li",
              {},
              person(learner.name),
              ` · ${lesson}, ${ok} of ${of} · ${minutes(since)} min`,
              belief !== undefined && ` · “${belief.belief}”`,
            ),
          ),
  );
}

function drawMistakes(all: LearnerSummary[]): void {
  const found = commonMistakes(all, catalogue);
  fill(
    byId("mistakes"),
    JSON.stringify([
      onProjector,
      found.map((each) => [each.belief.id, each.lesson, each.learners.map(({ name }) => name)]),
    ]),
    () =>
      found.length === 0
        ? [element("li", { class: "quiet" }, "None now.")]
        : found.slice(0, 30).map((mistake) => {
            const { belief, lesson, learners: who } = mistake;
            const explain = button("Explain", () => explainMistake(mistake), `Explain: ${belief.belief}`);
            explain.dataset.act = `${lesson} ${belief.id}`;
            return element(
              "li",
              { "data-belief": belief.id },
              element("span", { class: "count" }, `${who.length} × `),
              `“${belief.belief}” `,
              element("span", { class: "quiet" }, `${titleOf(lesson)} `),
              explain,
              !onProjector &&
                element(
                  "div",
                  { class: "quiet private" },
                  ...who.slice(0, 12).flatMap(({ name }, i) => [i > 0 && ", ", person(name)]),
                  who.length > 12 && ` and ${who.length - 12} more`,
                ),
            );
          }),
  );
}

function explainMistake({ belief, lesson }: Mistake): void {
  byId("explain-title").textContent = `“${belief.belief}”`;
  byId("explain-body").replaceChildren(
    element("p", { class: "quiet" }, `${titleOf(lesson)} · the check “${belief.check}”`),
    ...(belief.timeline
      ? [
          element("img", {
            src: belief.timeline,
            alt: "What such a program did on the wire, recorded with a real server.",
          }),
        ]
      : [
          element(
            "p",
            { class: "quiet" },
            "There is no recorded timeline of this one. The lesson's page explains it.",
          ),
        ]),
    element("p", {}, belief.hint),
    element(
      "p",
      {},
      element(
        "a",
        { href: belief.page, target: "_blank", rel: "noopener" },
        "Where the lesson puts it right",
      ),
    ),
  );
  byId<HTMLDialogElement>("explain").showModal();
}

function drawHands(all: LearnerSummary[]): void {
  const raised = hands(all);
  const tab = byId("views").querySelector('[data-view="hands"]');
  if (tab) tab.textContent = raised.length > 0 ? `Hands (${raised.length})` : "Hands";
  byId("hand-count").textContent =
    raised.length === 0
      ? "No hand is up."
      : raised.length === 1
        ? "One hand is up."
        : `${raised.length} hands are up.`;
  fill(byId("hands"), JSON.stringify([onProjector, raised.map(({ id, hand }) => [id, hand])]), () =>
    onProjector
      ? []
      : raised.map(({ id, name, hand, current }) => {
          const lower = button("Done", () => void order({ kind: "lower", learner: id }), `${name}: done`);
          lower.dataset.act = id;
          return element(
            "li",
            {},
            person(name),
            ` · ${current ?? "no lesson yet"} · ${new Date(hand?.at ?? 0).toLocaleTimeString()} `,
            hand?.text !== undefined && element("q", { dir: "auto" }, hand.text),
            " ",
            lower,
          );
        }),
  );
}

function drawSaid(): void {
  fill(byId("said"), JSON.stringify(room.announcements), () =>
    room.announcements
      .toReversed()
      .map(({ text, at }) =>
        element("li", {}, element("span", { class: "quiet" }, `${new Date(at).toLocaleTimeString()} `), text),
      ),
  );
}

function drawShares(): void {
  const all = [...shares.values()].sort((a, b) => b.at - a.at);
  fill(
    byId("shares"),
    JSON.stringify([onProjector, all.map(({ learner, lesson, at }) => [learner, lesson, at])]),
    () =>
      onProjector
        ? []
        : all.length === 0
          ? [element("li", { class: "quiet" }, "Nobody shares code now.")]
          : all.map(({ learner, lesson, code }) =>
              element(
                "li",
                {},
                element(
                  "details",
                  {},
                  element("summary", {}, person(learners.get(learner)?.name ?? "somebody"), ` · ${lesson}`),
                  element("pre", {}, element("code", {}, code)),
                ),
              ),
            ),
  );
}

function titleOf(id: string): string {
  return catalogue.lessons.find((lesson) => lesson.id === id)?.title ?? id;
}

async function order(what: Parameters<Link["order"]>[0]): Promise<boolean> {
  try {
    await link.order(what);
    byId("said-state").textContent = "Told.";
    return true;
  } catch (error) {
    byId("said-state").textContent = (error as Error).message;
    return false;
  }
}

function show(name: string): void {
  view = name;
  for (const section of document.querySelectorAll<HTMLElement>("main > section"))
    section.hidden = section.dataset.view !== view;
  for (const each of byId("views").querySelectorAll<HTMLElement>("button"))
    each.setAttribute("aria-current", String(each.dataset.view === view));
}

function project(on: boolean): void {
  onProjector = on;
  document.body.classList.toggle("on-projector", on);
  byId("projector").setAttribute("aria-pressed", String(on));
  // A projector shows the room: names are taken out of the page, not only out of sight.
  byId("grid").querySelector("tbody")?.replaceChildren();
  rows.clear();
  if (on) {
    changed.clear();
    if (view === "say" || view === "code") show("room");
  } else for (const id of learners.keys()) changed.add(id);
  drawAll();
  if (!on) soon();
}

function save(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const anchor = element("a", { href: url, download: name });
  anchor.click();
  URL.revokeObjectURL(url);
}

byId("views").addEventListener("click", ({ target }) => {
  const name = (target as HTMLElement).closest("button")?.dataset.view;
  if (name) show(name);
});
document.addEventListener("keydown", (event) => {
  const inField = (event.target as HTMLElement).closest?.("input, textarea, select, dialog");
  if (inField || event.ctrlKey || event.metaKey || event.altKey) return;
  const views = ["room", "mistakes", "hands", "say", "code"];
  const name = views[Number(event.key) - 1];
  if (name) show(name);
  if (event.key === "p") project(!onProjector);
});
byId("projector").addEventListener("click", () => project(!onProjector));
byId("csv").addEventListener("click", () =>
  save("classroom.csv", "text/csv", csv(learners.values(), catalogue)),
);
byId("json").addEventListener("click", () =>
  save(
    "classroom.json",
    "application/json",
    JSON.stringify({ version: 1, room, learners: [...learners.values()] }, null, 2),
  ),
);
/** The same words again, after an answer that was lost, are the same announcement: nobody is shown it twice. */
let announcing = { text: "", id: "" };
byId("announce").addEventListener("submit", async (event) => {
  event.preventDefault();
  const words = byId<HTMLTextAreaElement>("words");
  const text = words.value.replace(/\s+/g, " ").trim();
  if (!text) return;
  if (announcing.text !== text)
    announcing = { text, id: crypto.getRandomValues(new Uint32Array(3)).join("-") };
  if (!(await order({ kind: "announce", ...announcing }))) return;
  announcing = { text: "", id: "" };
  words.value = "";
});
byId("pace").addEventListener("submit", (event) => {
  event.preventDefault();
  const lesson = byId<HTMLSelectElement>("open-lesson").value;
  const goOnAt = byId<HTMLInputElement>("go-on").value;
  void order({ kind: "pace", pace: { ...(lesson && { lesson }), ...(goOnAt && { goOnAt }) } });
});

show(view);
// Who has only keys must be able to scroll it.
byId("scroller").tabIndex = 0;
// Minutes pass without messages.
setInterval(() => later(), 15_000);
void link.run();
