// npm run lab: a server with a lesson's scene, left running to explore, until Ctrl-C.
import { existsSync, readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { connect } from "nats";
import { builtFile } from "../course/built.ts";
import { EnvironmentTrouble, UsageError } from "../course/errors.ts";
import { isLabSeed, keepLabSeed, labSeed, newLabSeed } from "../course/lab-seed.ts";
import { allLessons, findLesson, type Lesson, readReadme } from "../course/lessons.ts";
import { exitStatus } from "../grading/verdict.ts";
import { type Lab, labServer, playLab } from "../kit/lab.ts";
import { connectStreaming } from "../kit/streaming-client.ts";
import { findProgram } from "../nats/install/find.ts";
import { freePortAfter, isFree, labPort, whoListens } from "../nats/port.ts";
import { startReaper } from "../nats/reaper.ts";
import { NatsServer } from "../nats/server.ts";
import { StreamingServer } from "../nats/streaming-server.ts";
import { installProgress } from "./progress.ts";
import { colours as c, print, printError, wrap } from "./text.ts";

export interface LabFlags {
  readonly port?: string;
  readonly seed?: string;
}

/** Not 4222, where a server of the person's own may listen. */
/** For exploring: whoever reads the screen may know them. The server listens on this machine only. */
const user = { user: "admin", pass: "admin" };
const system = { user: "system", pass: "system" };

/**
 * Runs until a signal ends it; returns only when the server ended by itself.
 * @throws UsageError, EnvironmentTrouble
 */
export async function runLab(typed: string, flags: LabFlags): Promise<number> {
  const lesson = findLesson(typed);
  if (!existsSync(lesson.lab)) throw noLab(lesson);
  const port = numberOf("--port", flags.port, (port) => port > 0 && port < 65_536) ?? labPort;
  const chosen = numberOf("--seed", flags.seed, isLabSeed);
  if (!(await isFree(port))) throw await portTaken(port, lesson, flags);
  startReaper();
  const program = await findProgram("nats-server", { onProgress: installProgress() });
  const seed = chosen ?? labSeed(lesson.id) ?? newLabSeed();
  const { lab } = (await import(pathToFileURL(builtFile(`lab-${lesson.folder}.mjs`)).href)) as { lab: Lab };
  const server = await NatsServer.start(program, { ...labServer(lab, seed), port, user, system });
  const streaming = lab.streaming && (await startStreaming(server));
  keepLabSeed(lesson.id, seed);
  const { notes } = await playLab(
    lab,
    seed,
    (name, more) => connect({ servers: server.url, ...user, name, maxReconnectAttempts: -1, ...more }),
    ({ message }) => server.running && printError(wrap(`An actor of the scene stumbled: ${message}`)),
    async (name) => {
      if (!streaming) throw new Error("This lab has no NATS Streaming server.");
      const { clusterId } = streaming;
      return connectStreaming({ clusterId, servers: `${server.host}:${server.port}`, ...user, name });
    },
  );
  const prompt = (line: string) => print(`  ${c.bold(`npm run nats -- ${line}`)}`);
  print(wrap(`${c.bold(readReadme(lesson).matter.title)}: lab ${seed}, on nats-server ${program.version}`));
  print();
  print(`  server    ${server.url}`);
  print(`  user      ${user.user}, password ${user.pass}`);
  print(`  system    ${system.user}, password ${system.pass}`);
  print(`  monitor   ${server.monitorUrl}`);
  if (streaming)
    print(
      `  streaming cluster id ${streaming.clusterId}, monitor ${streaming.monitorUrl}/streaming/channelsz?subs=1`,
    );
  print();
  for (const line of notes.story) print(wrap(line));
  print();
  print("In another terminal:");
  prompt(`context save s1 --user=admin --password=admin --server=${server.url} --select`);
  for (const line of notes.tryThese) prompt(line);
  print();
  print("Ctrl-C ends the lab.");
  if (await Promise.race([server.ended.then(() => false), orphaned().then(() => true)])) {
    return exitStatus.interrupted;
  }
  throw new EnvironmentTrouble(
    `The lab's server ended by itself: ${server.log.slice(-2).join(" · ") || "it said nothing"}`,
    `Start the lab again: npm run lab ${lesson.id}`,
  );
}

async function startStreaming({ url }: NatsServer): Promise<StreamingServer> {
  const program = await findProgram("nats-streaming-server", { onProgress: installProgress() });
  return StreamingServer.start(program, { url, user });
}

/** Resolves when the npm that started us is killed: then nobody is left whose Ctrl-C would end the lab. */
function orphaned(): Promise<void> {
  if (!process.env.npm_lifecycle_event) return new Promise(() => {});
  const parent = process.ppid;
  const npm = parentOf(parent);
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      if (process.ppid === parent && isRunning(parent) && parentOf(parent) === npm) return;
      clearInterval(timer);
      resolve();
    }, 500);
  });
}

/** npm runs us in a shell, which may outlive it. Linux only. */
function parentOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1];
  } catch {
    return undefined;
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function noLab(lesson: Lesson): UsageError {
  const others = allLessons().filter((each) => existsSync(each.lab));
  return new UsageError(
    `${lesson.id} has no lab.`,
    `These have one: ${others.map((each) => each.id).join(", ") || "none"}.`,
  );
}

function numberOf(
  flag: string,
  text: string | undefined,
  allowed: (value: number) => boolean,
): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && allowed(value)) return value;
  throw new UsageError(`${flag} ${text} is not a number that can be used.`, `For example: ${flag} 4224.`);
}

async function portTaken(port: number, lesson: Lesson, { seed }: LabFlags): Promise<EnvironmentTrouble> {
  const other = await freePortAfter(port);
  const again = `npm run lab ${lesson.id} -- --port ${other ?? "PORT"}${seed ? ` --seed ${seed}` : ""}`;
  return new EnvironmentTrouble(
    `Port ${port} is taken by ${await whoListens(port)}.`,
    `End that program, or use another port: ${again}`,
  );
}
