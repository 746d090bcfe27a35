// What a learner reads when a lesson is passed: what it taught, how long it took, what comes next; and at the end of the course all of it.
import { allLessons, type Lesson, readReadme } from "../course/lessons.ts";
import { type LessonProgress, readProgress } from "../course/progress.ts";
import { beliefsText } from "./beliefs.ts";
import { nextToDo } from "./current.ts";
import { colours as c, wrap } from "./text.ts";

/** @param goOn how to go on to a lesson, for example `npm start lesson-02` */
export function lessonEnd(lesson: Lesson, goOn: (next: Lesson) => string): string {
  const { lessons } = readProgress();
  const progress = lessons[lesson.id] ?? {};
  const lines = [wrap(`Learnt: ${readReadme(lesson).matter.learnt}`, 2), wrap(effort(progress), 2)];
  const next = nextToDo(lesson);
  if (next) {
    const { title, summary } = readReadme(next).matter;
    lines.push(wrap(`Next: ${next.id}, ${title.toLowerCase()}. ${summary}`, 2), c.bold(wrap(goOn(next), 2)));
  } else if (allLessons().every((each) => lessons[each.id]?.passedAt)) {
    lines.push("", c.bold(wrap("That was the last one: you have passed every lesson of the course.", 2)), "");
    lines.push(beliefsText(false));
  }
  return lines.join("\n");
}

/** How long it took until the first pass, and what was put right on the way. */
function effort({ workMs = 0, gradingsToPass = 1, beliefs = {} }: LessonProgress): string {
  const held = Object.values(beliefs).length;
  const right =
    held === 0 ? "" : ` ${held === 1 ? "One belief was" : `${held} beliefs were`} put right on the way.`;
  // Reading before the first grading is work that nobody has seen.
  if (gradingsToPass === 1) return `You passed at the first grading.${right}`;
  const time = workMs < 60_000 ? "less than a minute" : `about ${duration(workMs)}`;
  return `From the first grading to the last it took you ${time} and ${gradingsToPass} gradings.${right}`;
}

function duration(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  const count = (n: number, what: string) => `${n} ${what}${n === 1 ? "" : "s"}`;
  if (minutes < 60) return count(minutes, "minute");
  const rest = minutes % 60;
  return `${count(Math.floor(minutes / 60), "hour")}${rest ? ` and ${count(rest, "minute")}` : ""}`;
}
