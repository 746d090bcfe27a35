// The command line: reads what was typed, runs one command, and ends with the contract's exit status.
import { Command, CommanderError, Option } from "commander";
import { EnvironmentTrouble, UsageError } from "../course/errors.ts";
import { exitStatus, type NoVerdict } from "../grading/verdict.ts";
import { reapAll } from "../nats/reaper.ts";
import { printError, wrap } from "./text.ts";

// vitest replaces process.exit while checks run.
const exit = process.exit.bind(process);

/** Runs a command line; never returns. */
export async function run(argv: string[]): Promise<void> {
  endOnSignals();
  // Whoever reads us may stop early, as `head` does.
  process.stdout.on("error", () => {});
  process.stderr.on("error", () => {});
  const json = argv.includes("--json") || process.env.npm_config_json === "true";
  let status: number;
  try {
    const program = commands((code) => {
      status = code;
    });
    status = exitStatus.passed;
    noticeSwallowedFlags(program, argv);
    await program.parseAsync(argv, { from: "user" });
  } catch (error) {
    status = report(error, json);
  }
  reapAll();
  await flushed(process.stdout);
  await flushed(process.stderr);
  exit(status);
}

/** All commands, as they are typed and as the site's reference lists them. `done` is told the exit status. */
export function commands(done: (status: number) => void): Command {
  const program = new Command("npm run")
    .description("learn-nats: lessons on NATS, graded against a real server")
    .exitOverride()
    .enablePositionalOptions()
    .configureOutput({ writeErr: () => {} })
    .showSuggestionAfterError();
  const command = (name: string, summary: string) =>
    program.command(name).description(summary).exitOverride().allowExcessArguments(false);

  command("start [lesson]", "watch: grade the current lesson at each save, with keys for everything else")
    .option("--plain", "lines instead of a screen, for screen readers and logs")
    .option("--poll", "look at the file instead of waiting for file events")
    .option("--no-open", "do not open the exercise in the editor")
    .action(async (lesson: string | undefined, flags) =>
      done(await (await import("./start.ts")).runStart(lesson, flags)),
    );
  command("check [lesson]", "grade a lesson once; without a lesson, all that you started")
    .option("--file <path>", "grade this file as the lesson's exercise")
    .option("--json", "print the verdict as one JSON document")
    .option("--junit <path>", "also write the verdict as JUnit XML")
    .addOption(
      new Option("--direct", "for authors: without the recorder, as far as checks can do so").hideHelp(),
    )
    .action(async (lesson: string | undefined, flags) =>
      done(await (await import("./check.ts")).runCheck(lesson, flags)),
    );
  command("list", "the lessons, and how far you are")
    .option("--json", "print the list as JSON")
    .action(async (flags) => done(await (await import("./list.ts")).runList(flags)));
  command("hint [lesson]", "the next hint, for what your last check showed").action(
    async (lesson: string | undefined) => done(await (await import("./hint.ts")).runHint(lesson)),
  );
  command("timeline [lesson]", "what your last check did on the wire")
    .option("--check <name>", "only the checks whose name contains this")
    .option("--svg <path>", "draw it into this file")
    .option("--json", "print it as one JSON document")
    .option("--plain", "sentences without any drawing, for screen readers and logs")
    .action(async (lesson: string | undefined, flags) =>
      done(await (await import("./timeline.ts")).runTimeline(lesson, flags)),
    );
  command("beliefs", "what you believed, and where you put it right")
    .option("--json", "print it as JSON")
    .option("--plain", "words instead of signs, for screen readers and logs")
    .action(async (flags) => done(await (await import("./beliefs.ts")).runBeliefs(flags)));
  command("undo [lesson]", "bring back what the last reset replaced")
    .option("--list", "only show the backups")
    .option("--back <number>", "bring back this one of the list, 1 is the newest")
    .action(async (lesson: string | undefined, flags) =>
      done(await (await import("./undo.ts")).runUndo(lesson, flags)),
    );
  command("reset [lesson]", "back to the starter; your file is backed up first").action(
    async (lesson: string | undefined) => done(await (await import("./reset.ts")).runReset(lesson)),
  );
  command("solution [lesson]", "the reference solution beside your own")
    .option("--yes", "show it although you have not passed yet")
    .action(async (lesson: string | undefined, flags) =>
      done(await (await import("./solution.ts")).runSolution(lesson, flags)),
    );
  command("lab <lesson>", "a server with the lesson's scene, to explore, until Ctrl-C")
    .option("--port <port>", "listen here instead of 4223")
    .option("--seed <number>", "play the scene of this number; without it, your own")
    .action(async (lesson: string, flags) => done(await (await import("./lab.ts")).runLab(lesson, flags)));
  command("nats [arguments...]", "the nats CLI, with contexts of the course's own")
    .helpOption(false)
    .allowUnknownOption()
    .passThroughOptions()
    .action(async (args: string[]) => done(await (await import("./nats.ts")).runNats(args)));
  command("doctor", "what is here, what is missing, what to do")
    .option("--json", "print the findings as JSON")
    .action(async (flags) => done(await (await import("./doctor.ts")).runDoctor(flags)));
  command("setup", "bring every program of every lesson now, to work without a network later")
    .option("--bundle <path>", "write them all to one file, for a memory stick")
    .option("--from <path>", "install them from such a file")
    .action(async (flags) => done(await (await import("./setup.ts")).runSetup(flags)));
  command("classroom [report]", "host a workshop; with `report`, write what happened in it")
    .option(
      "--host <address>",
      "listen here, so that others can join: 0.0.0.0 for every address of this machine",
    )
    .option("--port <number>", "of the pages; NATS has the next one, the dashboard's WebSocket the one after")
    .option("--tls-cert <path>", "a certificate, as PEM")
    .option("--tls-key <path>", "its key, as PEM")
    .option("--nats <urls>", "use this NATS cluster instead of a server of our own")
    .option("--creds <path>", "a user of that cluster")
    .option("--signing-key <path>", "a signing key of that user's account, to make learners' users with")
    .option("--ws <url>", "the cluster's WebSocket address, for the dashboard")
    .option("--new", "begin a new classroom; the one before is kept")
    .option("--out <path>", "of the report; default classroom-report.html")
    .action(async (what: string | undefined, flags) =>
      done(await (await import("./classroom.ts")).runClassroom(what, flags)),
    );
  command("join [url]", "take part in a workshop; without an address, say which one")
    .option("--name <name>", "your name, as the instructor sees it")
    .option("--code <code>", "the classroom's code")
    .option("--ca <path>", "the instructor's certificate, as PEM")
    .option("--listen", "stay, and show what the instructor says as it is said")
    .option("--leave", "leave the classroom; what was not sent yet is dropped")
    .action(async (url: string | undefined, flags) =>
      done(await (await import("./join.ts")).runJoin(url, flags)),
    );
  command("share <lesson>", "show your exercise to the instructor")
    .option("--yes", "do not ask")
    .option("--take-back", "take it back: it is erased there")
    .action(async (lesson: string, flags) =>
      done(await (await import("./share.ts")).runShare(lesson, flags)),
    );
  command("hand [question...]", "raise your hand in the classroom")
    .option("--down", "take it down")
    .action(async (question: string[], flags) =>
      done(await (await import("./hand.ts")).runHand(question, flags)),
    );
  command("lock", "for authors: renew the versions and checksums of the programs (needs the internet)")
    .option("--latest", "go to the newest releases")
    .action(async (flags) => done(await (await import("./lock.ts")).runLock(flags)));
  command("starters", "for authors: make every exercise.ts from its solution")
    .option("--check", "only say which differ")
    .action(async (flags) => done(await (await import("./starters.ts")).runStarters(flags)));
  command("snippets [lesson]", "for authors: run the programs of the lessons' pages, and renew their output")
    .option("--check", "only say which differ")
    .action(async (lesson: string | undefined, flags) =>
      done(await (await import("./snippets.ts")).runSnippets(lesson, flags)),
    );
  command("timelines [lesson]", "for authors: record the timelines of the lessons' pages")
    .option("--check", "only say which differ")
    .action(async (lesson: string | undefined, flags) =>
      done(await (await import("./timelines.ts")).runTimelines(lesson, flags)),
    );
  return program;
}

/** `npm run check lesson-01 --json` keeps the flag for npm itself, and only leaves a trace in the environment. */
function noticeSwallowedFlags(program: Command, argv: readonly string[]): void {
  if (!process.env.npm_lifecycle_event) return;
  const command = program.commands.find((each) => each.name() === argv[0]);
  for (const option of command?.options ?? []) {
    const name = option.long?.slice(2) ?? "";
    const swallowed = process.env[`npm_config_${name.replaceAll("-", "_")}`];
    if (!swallowed || argv.includes(`--${name}`)) continue;
    throw new UsageError(
      `npm kept --${name} for itself.`,
      `Put -- before the flags: npm run ${argv[0]} ${argv.slice(1).join(" ")}${argv.length > 1 ? " " : ""}-- --${name}${option.required ? " VALUE" : ""}`,
    );
  }
}

/** Says what went wrong, in words or as JSON, and gives the exit status. */
function report(error: unknown, json: boolean): number {
  if (error instanceof CommanderError && error.exitCode === 0) return exitStatus.passed;
  const { message, advice, status } = known(error);
  if (json) {
    const kind = status === exitStatus.usage ? { usage: true as const } : { environment: true as const };
    const none: NoVerdict = { version: 3, status: "error", ...kind, message };
    process.stdout.write(`${JSON.stringify(none)}\n`);
  }
  printError(wrap(message));
  if (advice) printError(wrap(advice));
  return status;
}

function known(error: unknown): { message: string; advice: string; status: number } {
  if (error instanceof UsageError)
    return { message: error.message, advice: error.advice, status: exitStatus.usage };
  if (error instanceof EnvironmentTrouble) {
    return { message: error.message, advice: error.advice, status: exitStatus.environment };
  }
  if (error instanceof CommanderError) {
    return {
      message: error.message
        .replace(/^error: /, "")
        .replace(/\n\(Did you mean (.*)\?\)/, ". Did you mean $1?"),
      advice: "`npm run list` shows the lessons; the README has a table of all commands.",
      status: exitStatus.usage,
    };
  }
  const { name, message, stack } = error as Error;
  return {
    message: `The checker itself failed: ${name}: ${message}`,
    advice: `This is not your program's fault. Run the command again; if it stays, report it with this:\n${stack ?? ""}`,
    status: exitStatus.environment,
  };
}

function endOnSignals(): void {
  const numbers = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const;
  for (const signal of Object.keys(numbers) as (keyof typeof numbers)[]) {
    process.removeAllListeners(signal);
    process.on(signal, () => {
      reapAll();
      exit(128 + numbers[signal]);
    });
  }
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.write("", () => resolve()));
}
