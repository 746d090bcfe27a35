// The timelines on the lessons' pages are true: each is recorded again and tells the same story, and its drawing is the one of its JSON.
import { statSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { allLessons } from "../../checker/course/lessons.ts";
import { filesOf, holds, kept, timelinesIn } from "../../checker/pages/timelines.ts";
import type { Timeline } from "../../checker/wire/timeline/model.ts";
import { command } from "./command.ts";

describe.each(allLessons())("the timelines of $id", (lesson) => {
  const marked = timelinesIn(lesson);

  test("are there: one at least", () => {
    expect(marked.length).toBeGreaterThan(0);
  });

  test.each(marked)("$svg is drawn from its JSON, and small", (one) => {
    const timeline = kept(one);
    expect(timeline, "npm run timelines records it").toBeDefined();
    for (const file of filesOf(one, timeline as Timeline)) expect(holds(file), file.path).toBe(true);
    expect(statSync(one.svg).size).toBeLessThan(60_000);
  });

  test("tell what the programs do", async () => {
    const { status, out, err } = await command(["timelines", lesson.id, "--check"]);
    expect(status, out + err).toBe(0);
  });
});
