// npm run join: takes part in a workshop. Asks for what was not given, once.
import { readFileSync } from "node:fs";
import { learnerFolder, leave, type Membership, membership } from "../classroom/membership.ts";
import { Outbox } from "../classroom/outbox.ts";
import { startSender } from "../classroom/report-to.ts";
import { EnvironmentTrouble, UsageError } from "../course/errors.ts";
import { exitStatus } from "../grading/verdict.ts";
import { typedPath } from "../nats/install/typed-path.ts";
import { newsText, showNews } from "./news.ts";
import { question, wantTerminal } from "./question.ts";
import { print, wrap } from "./text.ts";

export interface JoinFlags {
  readonly name?: string;
  readonly code?: string;
  readonly ca?: string;
  readonly listen?: boolean;
  readonly leave?: boolean;
}

export async function runJoin(url: string | undefined, flags: JoinFlags): Promise<number> {
  const member = membership();
  if (flags.leave) {
    leave();
    print(member ? `You have left the classroom at ${member.url}.` : "You are in no classroom.");
    return exitStatus.passed;
  }
  if (url === undefined) {
    if (!member)
      throw new UsageError(
        "You are in no classroom.",
        "Take the address from the instructor: npm run join http://192.168.1.5:4280/",
      );
    const waiting = new Outbox(learnerFolder).waiting().length;
    print(`You are ${member.name} in the classroom at ${member.url}.`);
    if (waiting > 0) {
      print(`${waiting === 1 ? "One message waits" : `${waiting} messages wait`} for a connection.`);
      startSender();
    }
    await showNews();
    return flags.listen ? listen() : exitStatus.passed;
  }
  if (member) return again(member, url);
  const name = flags.name ?? (await ask("Your name, as the instructor sees it: ", "--name"));
  const code = flags.code ?? (await ask("The classroom's code: ", "--code"));
  const { joinClassroom } = await import("../classroom/join.ts");
  const joined = await joinClassroom({
    url,
    name,
    code,
    ...(flags.ca !== undefined && { ca: certificate(flags.ca) }),
  });
  print(`You are in, ${joined.name}.`);
  print(
    wrap(
      "From now on, each npm run check tells the instructor which checks passed and which mistakes were seen. Your code stays here, until you share it with npm run share.",
    ),
  );
  print(`The lessons are at ${joined.url}course/ too. Raise your hand with npm run hand.`);
  startSender();
  return exitStatus.passed;
}

/** Until it is interrupted. */
async function listen(): Promise<number> {
  const { followClassroom } = await import("../classroom/follow.ts");
  const following = followClassroom((unseen) => print(newsText(unseen)));
  print("Listening. Ctrl+C ends it.");
  await new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.removeAllListeners(signal);
      process.once(signal, () => resolve());
    }
    // A connection that is being made does not keep a process alive.
    setInterval(() => {}, 60_000);
  });
  await following?.close();
  return exitStatus.interrupted;
}

/** An address is not a classroom: another one may be open there now, and ours may have moved. */
async function again(member: Membership, typed: string): Promise<number> {
  const { moveTo, readUrl } = await import("../classroom/join.ts");
  const url = readUrl(typed);
  const isSame = new URL(member.url).host === url.host;
  const moved = await moveTo(member, url).catch((error: unknown) => {
    // Out of reach now, it is still this one.
    if (isSame && error instanceof EnvironmentTrouble) return member;
    throw error;
  });
  if (!moved)
    throw new UsageError(
      isSame
        ? `Another classroom is open at ${url.href} now than the one that you are in.`
        : `You are in another classroom, at ${member.url}`,
      "Leave yours first: npm run join -- --leave",
    );
  print(
    wrap(
      `You are in this classroom already, as ${member.name}.${isSame ? "" : ` It is at ${url.href} now.`} To leave it: npm run join -- --leave`,
    ),
  );
  startSender();
  return exitStatus.passed;
}

async function ask(words: string, flag: string): Promise<string> {
  wantTerminal(`Give ${flag} as well: npm run join ADDRESS -- --name "Ana" --code ABCDEF`);
  const answer = await question(words);
  if (answer === undefined)
    throw new UsageError("Nothing was typed, and no classroom was joined.", `${flag} gives it as well.`);
  return answer;
}

function certificate(file: string): string {
  try {
    return readFileSync(typedPath(file), "utf8");
  } catch (error) {
    throw new EnvironmentTrouble(
      `${file} cannot be read: ${(error as Error).message}.`,
      "See that the path is right.",
      {
        cause: error,
      },
    );
  }
}
