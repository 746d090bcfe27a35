// The report of a workshop: one HTML file that needs nothing else.
import { readCatalogue } from "./catalogue.ts";
import { beliefOf, lessonCounts } from "./insight.ts";
import { type OpenOptions, openClassroom } from "./open.ts";
import { readRunning } from "./running.ts";
import type { Catalogue, LearnerSummary } from "./summary.ts";

/** Reads the classroom: from the server that runs, or from one that is started on its store for this. */
export async function writeReport(options: OpenOptions): Promise<string> {
  const catalogue = await readCatalogue();
  return reportHtml(await learnersOf(options), catalogue, Date.now());
}

async function learnersOf(options: OpenOptions): Promise<LearnerSummary[]> {
  const running = await readRunning(options);
  if (running) return running;
  const room = await openClassroom({ ...options, host: "127.0.0.1", readOnly: true });
  try {
    return room.host.ledger.summaries();
  } finally {
    await room.close();
  }
}

export function reportHtml(learners: readonly LearnerSummary[], catalogue: Catalogue, now: number): string {
  const counts = lessonCounts(learners, catalogue).filter(({ passed, atWork }) => passed + atWork > 0);
  const most = counts.toSorted((a, b) => b.medianWorkMs - a.medianWorkMs)[0];
  const begun = Math.min(now, ...learners.map(({ joinedAt }) => joinedAt));
  const beliefs = beliefsSeen(learners, catalogue);
  const results = learners.reduce((sum, each) => sum + each.results, 0);
  const byName = learners.toSorted((a, b) => a.name.localeCompare(b.name));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Workshop report · learn-nats</title>
<style>
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}
body{max-width:60rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%;margin:1rem 0}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #8885}
td.n,th.n{text-align:right}
.scroll{overflow-x:auto}
</style>
</head>
<body>
<h1>Workshop report</h1>
<p>${day(begun)} to ${day(now)}. ${learners.length === 1 ? "One learner" : `${learners.length} learners`}, ${results} results.</p>
<h2>Lessons</h2>
${most && most.medianWorkMs > 0 ? `<p>Most time went into <strong>${escaped(most.title)}</strong>: ${minutes(most.medianWorkMs)} in the middle of the room.</p>` : ""}
<table><thead><tr><th scope="col">Lesson</th><th scope="col" class="n">Passed</th><th scope="col" class="n">Begun, not passed</th><th scope="col" class="n">Gradings</th><th scope="col" class="n">Time (median)</th></tr></thead><tbody>
${counts.map(({ title, passed, atWork, gradings, medianWorkMs }) => `<tr><th scope="row">${escaped(title)}</th><td class="n">${passed}</td><td class="n">${atWork}</td><td class="n">${gradings}</td><td class="n">${minutes(medianWorkMs)}</td></tr>`).join("\n")}
</tbody></table>
<h2>Beliefs</h2>
${beliefList(beliefs)}
<h2>Learners</h2>
<div class="scroll"><table><thead><tr><th scope="col">Name</th>${counts.map(({ id, title }) => `<th scope="col" title="${escaped(title)}">${escaped(id.replace("lesson-", ""))}</th>`).join("")}<th scope="col" class="n">Results</th></tr></thead><tbody>
${byName.map((learner) => `<tr><th scope="row"><bdi>${escaped(learner.name)}</bdi></th>${counts.map(({ id }) => `<td>${cell(learner, id)}</td>`).join("")}<td class="n">${learner.results}</td></tr>`).join("\n")}
</tbody></table></div>
<p>Time is what lies between two gradings of a lesson; pauses of more than ten minutes are not counted.</p>
</body>
</html>
`;
}

function beliefList(beliefs: ReturnType<typeof beliefsSeen>): string {
  if (beliefs.length === 0) return "<p>None were seen.</p>";
  const items = beliefs.map(({ belief, lesson, learners, results }) => {
    const who = learners === 1 ? "one learner" : `${learners} learners`;
    const times = results === 1 ? "one result" : `${results} results`;
    return `<li><p><strong>“${escaped(belief)}”</strong><br>${escaped(lesson)}: ${who}, in ${times}</p></li>`;
  });
  return `<ol>\n${items.join("\n")}\n</ol>`;
}

function cell({ lessons }: LearnerSummary, id: string): string {
  const lesson = Object.hasOwn(lessons, id) ? lessons[id] : undefined;
  if (!lesson) return "";
  return lesson.passed ? "passed" : `${lesson.ok} of ${lesson.of}`;
}

/** Beliefs that the course knows, by how many learners showed them. */
function beliefsSeen(learners: readonly LearnerSummary[], catalogue: Catalogue) {
  const seen = new Map<string, { belief: string; lesson: string; learners: number; results: number }>();
  for (const { lessons } of learners) {
    for (const [id, { beliefs }] of Object.entries(lessons)) {
      for (const [belief, times] of Object.entries(beliefs)) {
        const known = beliefOf(catalogue, id, belief);
        if (!known) continue;
        const lesson = catalogue.lessons.find((each) => each.id === id)?.title ?? id;
        const entry = seen.get(`${id} ${belief}`) ?? {
          belief: known.belief,
          lesson,
          learners: 0,
          results: 0,
        };
        entry.learners++;
        entry.results += times;
        seen.set(`${id} ${belief}`, entry);
      }
    }
  }
  return [...seen.values()].sort((a, b) => b.learners - a.learners || b.results - a.results);
}

const minutes = (ms: number) => `${Math.round(ms / 60_000)} min`;
const day = (at: number) => new Date(at).toISOString().slice(0, 16).replace("T", " ");

function escaped(text: string): string {
  const entities: Record<string, string> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
  };
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? "");
}
