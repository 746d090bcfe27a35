// npm run hand: raises the hand in the classroom, with a question or without.
import { raiseHand } from "../classroom/follow.ts";
import { arrived } from "../classroom/report-to.ts";
import { UsageError } from "../course/errors.ts";
import { exitStatus } from "../grading/verdict.ts";
import { notInClassroom, whenItGoes } from "./share.ts";
import { print } from "./text.ts";

const longest = 300;

export async function runHand(
  question: readonly string[],
  { down = false }: { down?: boolean },
): Promise<number> {
  const text = question
    .join(" ")
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, " ")
    .trim();
  if (text.length > longest)
    throw new UsageError(
      `The question is too long: ${text.length} characters.`,
      `At most ${longest}; tell the rest when the instructor comes.`,
    );
  const n = raiseHand(!down, text);
  if (n === undefined) throw notInClassroom();
  const here = await arrived(n, whenItGoes.withinMs);
  if (!here) print(whenItGoes.words);
  else if (down) print("Your hand is down.");
  else
    print(
      "Your hand is up. The instructor sees it, and in which order hands came. npm run hand -- --down takes it down.",
    );
  return exitStatus.passed;
}
