// npm run classroom: hosts a workshop until it is interrupted; with `report`, writes what happened in it.
import { existsSync, writeFileSync } from "node:fs";
import type { OpenOptions } from "../classroom/open.ts";
import { EnvironmentTrouble, UsageError } from "../course/errors.ts";
import { exitStatus } from "../grading/verdict.ts";
import { findProgram } from "../nats/install/find.ts";
import { typedPath } from "../nats/install/typed-path.ts";
import { reapAll, startReaper } from "../nats/reaper.ts";
import { installProgress } from "./progress.ts";
import { colours as c, print, printError, wrap } from "./text.ts";

export interface ClassroomFlags {
  readonly host?: string;
  readonly port?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly nats?: string;
  readonly creds?: string;
  readonly signingKey?: string;
  readonly ws?: string;
  readonly new?: boolean;
  readonly out?: string;
}

export async function runClassroom(what: string | undefined, flags: ClassroomFlags): Promise<number> {
  if (what !== undefined && what !== "report")
    throw new UsageError(
      `There is no "classroom ${what}".`,
      "npm run classroom opens one; npm run classroom -- report writes the report.",
    );
  const options = optionsOf(flags);
  startReaper();
  if (what === "report") return report(options, typedPath(flags.out ?? "classroom-report.html"));
  if (flags.new) {
    const { classroomExists, openState, setAside } = await import("../classroom/state.ts");
    const { refuseIfOpen } = await import("../classroom/where.ts");
    if (classroomExists()) await refuseIfOpen(openState());
    const kept = setAside();
    if (kept) print(`The classroom before is kept in ${kept}.`);
  }
  const { openClassroom } = await import("../classroom/open.ts");
  const room = await openClassroom(options);
  show(room, options);
  await new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.removeAllListeners(signal);
      process.once(signal, () => resolve());
    }
  });
  await room.close();
  reapAll();
  print("\nThe classroom is closed. npm run classroom opens it again with the same code.");
  return exitStatus.interrupted;
}

function show(
  room: Awaited<ReturnType<typeof import("../classroom/open.ts").openClassroom>>,
  options: OpenOptions,
): void {
  const { addresses, state, dashboard, host } = room;
  print(c.bold("The classroom is open."));
  print();
  print("  Learners type, in the course's folder:");
  for (const address of addresses) print(c.bold(`    npm run join ${address}`));
  print(`  Code  ${c.bold(state.code)}`);
  print();
  print(`  Lessons    ${addresses[0]}course/`);
  print(`  Dashboard  ${dashboard}`);
  print(c.dim(wrap("Who has the dashboard's address is the instructor: keep it to yourself.", 13)));
  if (host.learners > 0) print(`  ${host.learners} learners have joined before.`);
  print();
  if ((options.host ?? "127.0.0.1") === "127.0.0.1")
    print(wrap("Only this machine can reach it. For a room: npm run classroom -- --host 0.0.0.0", 2));
  print(c.dim("  Ctrl+C closes it. Nothing is lost by closing, nor by a crash."));
}

async function report(options: OpenOptions, file: string): Promise<number> {
  const { classroomExists } = await import("../classroom/state.ts");
  if (!classroomExists())
    throw new UsageError("There was no classroom here.", "npm run classroom opens one.");
  const { writeReport } = await import("../classroom/report.ts");
  const html = await writeReport(options);
  try {
    writeFileSync(file, html);
  } catch (error) {
    throw new EnvironmentTrouble(
      `The report could not be written to ${file}: ${(error as Error).message}`,
      "Name another file with --out.",
      { cause: error },
    );
  }
  print(`Written: ${file}`);
  return exitStatus.passed;
}

function optionsOf(flags: ClassroomFlags): OpenOptions {
  const { host, tlsCert, tlsKey, nats, creds, signingKey, ws } = flags;
  if ((tlsCert === undefined) !== (tlsKey === undefined))
    throw new UsageError("A certificate and its key belong together.", "Give --tls-cert and --tls-key.");
  const given = (path: string) => {
    const file = typedPath(path);
    if (!existsSync(file)) throw new UsageError(`There is no file ${file}.`, "See that the path is right.");
    return file;
  };
  return {
    ...(host !== undefined && { host }),
    ...(flags.port !== undefined && { port: portOf(flags.port) }),
    ...(tlsCert !== undefined &&
      tlsKey !== undefined && { tls: { cert: given(tlsCert), key: given(tlsKey) } }),
    ...(nats !== undefined && { cluster: clusterOf({ nats, creds, signingKey, ws }, given) }),
    server: () => findProgram("nats-server", { onProgress: installProgress() }),
    tell: (words) => printError(wrap(words)),
  };
}

function clusterOf({ nats, creds, signingKey, ws }: ClassroomFlags, given: (path: string) => string) {
  if (nats === undefined || creds === undefined || signingKey === undefined || ws === undefined)
    throw new UsageError(
      "A cluster needs --nats, --creds, --signing-key and --ws.",
      "The page for instructors says what each is for.",
    );
  return { servers: nats.split(","), creds: given(creds), signingKey: given(signingKey), ws };
}

function portOf(typed: string): number {
  const port = Number(typed);
  if (!Number.isInteger(port) || port < 1 || port > 65_533)
    throw new UsageError(
      `"${typed}" is not a port.`,
      "A port is a number from 1 to 65533; the two after it are used as well.",
    );
  return port;
}
