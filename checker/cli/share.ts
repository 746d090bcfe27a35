// npm run share: shows the learner's exercise to the instructor, after showing what will go; and takes it back.
import { readFileSync } from "node:fs";
import { learnerFolder, membership } from "../classroom/membership.ts";
import { mostCodeBytes, mostCodeCharacters } from "../classroom/messages.ts";
import { arrived, tellClassroom } from "../classroom/report-to.ts";
import { sharedBefore, writeShared } from "../classroom/shared.ts";
import { UsageError } from "../course/errors.ts";
import { findLesson } from "../course/lessons.ts";
import { exitStatus } from "../grading/verdict.ts";
import { agreed, wantTerminal } from "./question.ts";
import { print, printError } from "./text.ts";

export const whenItGoes = {
  withinMs: 4_000,
  words: "The classroom does not answer now. It is kept here, and goes as soon as there is a connection.",
};

export function notInClassroom(): UsageError {
  return new UsageError(
    "You are in no classroom.",
    "Take the address from the instructor: npm run join http://192.168.1.5:4280/",
  );
}

export interface ShareFlags {
  readonly yes?: boolean;
  readonly takeBack?: boolean;
}

export async function runShare(
  typed: string,
  { yes = false, takeBack = false }: ShareFlags,
): Promise<number> {
  const lesson = findLesson(typed);
  if (!membership()) throw notInClassroom();
  const before = sharedBefore(learnerFolder, lesson.id);
  if (takeBack) {
    if (before.length === 0)
      throw new UsageError(`You have not shared ${lesson.id}.`, "There is nothing to take back.");
    const n = tellClassroom({ kind: "unshare", lesson: lesson.id, takesBack: [...before] });
    writeShared(learnerFolder, lesson.id, []);
    print(
      (await arrived(n, whenItGoes.withinMs))
        ? `${lesson.id} is taken back, and erased in the classroom.`
        : whenItGoes.words,
    );
    return exitStatus.passed;
  }
  const code = readFileSync(lesson.exercise, "utf8");
  // Characters of some languages take three bytes each, and what is sent is counted in bytes.
  const bytes = Buffer.byteLength(JSON.stringify(code));
  if (code.length > mostCodeCharacters || bytes > mostCodeBytes)
    throw new UsageError(
      `${lesson.exercise} is too long to be shared: ${code.length} characters, ${bytes} bytes.`,
      `At most ${mostCodeCharacters} characters and ${mostCodeBytes} bytes.`,
    );
  printError(`This goes to the instructor, and may be shown to the room:\n\n${code.trimEnd()}\n`);
  if (!yes) {
    wantTerminal("Say yes beforehand: npm run share LESSON -- --yes");
    if (!(await agreed("Share it? (y/N) "))) {
      print("Nothing was sent.");
      return exitStatus.passed;
    }
  }
  const n = tellClassroom({ kind: "share", lesson: lesson.id, code });
  writeShared(learnerFolder, lesson.id, [...before, n]);
  print((await arrived(n, whenItGoes.withinMs)) ? `${lesson.id} is shared.` : whenItGoes.words);
  print(`To take it back: npm run share ${lesson.id} -- --take-back`);
  return exitStatus.passed;
}
