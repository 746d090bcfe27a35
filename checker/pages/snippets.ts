// The programs that stand in a lesson's README: run against a real server, so that the page shows what they really print.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { EnvironmentTrouble } from "../course/errors.ts";
import { type Lesson, readReadme } from "../course/lessons.ts";
import { root } from "../course/places.ts";
import { NatsCluster } from "../nats/cluster.ts";
import { type FoundProgram, findProgram } from "../nats/install/find.ts";
import { neededPrograms } from "../nats/install/needs.ts";
import { markedEnvironment, watchOver } from "../nats/reaper.ts";
import { runFolder } from "../nats/run-folder.ts";
import { NatsServer } from "../nats/server.ts";
import { StreamingServer } from "../nats/streaming-server.ts";

export interface Snippet {
  /** `run`: a whole program whose output the page shows. `v3`: a module that only has to compile. */
  readonly kind: "run" | "v3";
  readonly code: string;
  /** Marked `ts run cluster`: it runs on a cluster of three, and NATS_URL has the addresses of all. */
  readonly cluster: boolean;
  /** The line of the README that the code begins at, from 1. */
  readonly line: number;
  /** What the page shows as its output; undefined for `v3`. */
  readonly output?: string;
  /** What stands in the last fence `conf accounts` above it: who may connect to its server, and what each may do. */
  readonly accounts?: string;
}

/** Nothing on a page takes longer; in milliseconds, for a slow machine. */
const timeout = 60_000;

const fence = /^```ts (run|v3)([^\n]*)\n([\s\S]*?)^```\n(?:\n?```text output\n([\s\S]*?)^```)?/gm;

const accountsFence = /^```conf accounts\n([\s\S]*?)^```$/gm;

/** The marked programs of a page: fences `ts run` or `ts run cluster`, each with its `text output`, and `ts v3`. */
export function snippetsIn(markdown: string): Snippet[] {
  const page = markdown.replaceAll("\r\n", "\n");
  const accounts = [...page.matchAll(accountsFence)];
  return [...page.matchAll(fence)].map((match) => {
    const above = accounts.findLast(({ index }) => index < match.index)?.[1];
    return {
      kind: match[1] as "run" | "v3",
      cluster: match[2]?.trim() === "cluster",
      code: match[3] ?? "",
      line: page.slice(0, match.index).split("\n").length + 1,
      ...(match[1] === "run" && { output: match[4] ?? "" }),
      ...(above !== undefined && { accounts: above }),
    };
  });
}

/** The servers that the programs of a page are run on. */
export interface Servers {
  readonly nats: FoundProgram;
  /** Of a lesson that needs it. */
  readonly streaming?: FoundProgram;
}

export async function serversFor(lesson: Lesson, nats: FoundProgram): Promise<Servers> {
  const needs = neededPrograms(readReadme(lesson).matter.needs);
  if (!needs.includes("nats-streaming-server")) return { nats };
  return { nats, streaming: await findProgram("nats-streaming-server") };
}

/**
 * Runs one program as a reader would, on a server or a cluster of its own (JetStream on; no users, or the page's accounts), found by
 * NATS_URL.
 * @returns what it prints on stdout
 * @throws Error with its output when it does not end with exit status 0
 */
export async function runSnippet(snippet: Snippet, { nats, streaming }: Servers): Promise<string> {
  const { accounts } = snippet;
  const settings = accounts === undefined ? { ownAccounts: true } : { accounts };
  const server = await (snippet.cluster ? NatsCluster : NatsServer).start(nats, settings);
  const urls = server instanceof NatsCluster ? server.urls : [server.url];
  const beside = streaming && (await StreamingServer.start(streaming, { url: urls[0] ?? "" }));
  const folder = runFolder("snippet");
  const file = join(folder.path, "snippet.ts");
  writeFileSync(file, snippet.code);
  try {
    const child = execa(process.execPath, ["--import", "tsx", file], {
      cwd: root,
      env: { ...markedEnvironment(), NATS_URL: urls.join(","), NO_COLOR: "1" },
      extendEnv: false,
      reject: false,
      timeout,
      all: true,
    });
    watchOver(child as never);
    const { exitCode, stdout, all, timedOut } = await child;
    if (exitCode !== 0) {
      throw new Error(`${timedOut ? "did not end" : `ended with exit status ${exitCode}`}:\n${all}`);
    }
    return stdout === "" ? "" : `${stdout}\n`;
  } finally {
    folder.remove();
    await beside?.close();
    await server.close();
  }
}

/** The page with the output of each program renewed. */
export async function renewOutputs(
  lesson: Lesson,
  program: FoundProgram,
): Promise<{ before: string; after: string }> {
  const file = lesson.readme;
  const servers = await serversFor(lesson, program);
  const before = readFileSync(file, "utf8").replaceAll("\r\n", "\n");
  const outputs: string[] = [];
  for (const snippet of snippetsIn(before)) {
    if (snippet.kind !== "run") {
      outputs.push("");
      continue;
    }
    try {
      outputs.push(await runSnippet(snippet, servers));
    } catch (error) {
      throw new EnvironmentTrouble(
        `${file}:${snippet.line}: the program ${(error as Error).message}`,
        "Mend the program on the page, then run the command again.",
        { cause: error },
      );
    }
  }
  let index = 0;
  const after = before.replace(fence, (whole, kind: string, marks: string, code: string) => {
    const output = outputs[index++] ?? "";
    return kind === "run"
      ? `\`\`\`ts run${marks}\n${code}\`\`\`\n\n\`\`\`text output\n${output}\`\`\``
      : whole;
  });
  return { before, after };
}
