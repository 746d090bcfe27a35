// The lesson that a learner means when they name none: where they were, and else the first that is not passed.
import { allLessons, type Lesson } from "../course/lessons.ts";
import { readProgress } from "../course/progress.ts";
import { isStarted } from "../course/started.ts";

export function currentLesson(): Lesson {
  const { lessons: done, current } = readProgress();
  const lessons = allLessons();
  const open = lessons.filter((lesson) => !done[lesson.id]?.passedAt);
  return (
    lessons.find((lesson) => lesson.id === current) ??
    open.find(isStarted) ??
    open[0] ??
    (lessons[0] as Lesson)
  );
}

/** The lesson after this one that is not passed yet: the next in the course's order, and else the first that was left out. */
export function nextToDo(lesson: Lesson): Lesson | undefined {
  const { lessons: done } = readProgress();
  const open = allLessons().filter((each) => each.id !== lesson.id && !done[each.id]?.passedAt);
  return open.find((each) => each.number > lesson.number) ?? open[0];
}
