// The searchable list of lessons in the watch.
import { autocomplete, isCancel } from "@clack/prompts";
import { allLessons, type Lesson, readReadme } from "../course/lessons.ts";
import { readProgress } from "../course/progress.ts";
import { columns, cut } from "./text.ts";

/** @returns the lesson that was chosen; undefined when the learner thought better of it */
export async function chooseLesson(current: Lesson): Promise<Lesson | undefined> {
  const { lessons: progress } = readProgress();
  const lessons = allLessons();
  const options = lessons.map((lesson) => {
    const { title, concepts } = readReadme(lesson).matter;
    const state = progress[lesson.id]?.passedAt ? " (passed)" : "";
    return {
      value: lesson.id,
      label: cut(`${lesson.id}  ${title}${state}`, columns() - 6),
      hint: cut(concepts.join(", "), Math.max(10, columns() - 20 - title.length - 20)),
      concepts: concepts.join(" ").toLowerCase(),
    };
  });
  const chosen = await autocomplete<string>({
    message: "Which lesson? Type to search, Enter to go there, Ctrl-C to stay.",
    initialValue: current.id,
    maxItems: 10,
    // A lesson that has the words in its title stands before one that only teaches something of that name.
    options() {
      const search = this.userInput.trim().toLowerCase();
      const inLabel = ({ label }: (typeof options)[number]) => label.toLowerCase().includes(search);
      return [...options.filter(inLabel), ...options.filter((each) => !inLabel(each))];
    },
    filter: (search, option) => {
      const { label, concepts } = option as (typeof options)[number];
      return `${label} ${concepts}`.toLowerCase().includes(search.trim().toLowerCase());
    },
  });
  return isCancel(chosen) ? undefined : lessons.find((lesson) => lesson.id === chosen);
}
