// The commands of the nats CLI that stand in a lesson's README: typed in the lesson's lab, so that the page shows what they really print.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { connect } from "nats";
import { builtFile } from "../course/built.ts";
import type { Lesson } from "../course/lessons.ts";
import { type Lab, labServer, playLab } from "../kit/lab.ts";
import { natsCliEnvironment } from "../nats/cli.ts";
import { type FoundProgram, findProgram } from "../nats/install/find.ts";
import { markedEnvironment, removeFolder, temporaryFolder, watchOver } from "../nats/reaper.ts";
import { NatsServer } from "../nats/server.ts";

export interface CliSnippet {
  /** What a reader types after `npm run nats --`. */
  readonly args: readonly string[];
  /** A command that goes on for ever is stopped after so many lines. */
  readonly lines?: number;
  /** What the page shows. */
  readonly output: string;
  /** The line of the README, from 1. */
  readonly line: number;
}

/** The scene of all pages, so that the names on them stay. */
const seed = 8;
/** The address on the page: that of `npm run lab`. */
const shown = "127.0.0.1:4223";
const shownFolder = "/learn-nats/.learn-nats/config";
const users = {
  user: { user: "admin", pass: "admin" },
  system: { user: "system", pass: "system" },
};
const longestMs = 60_000;

const fence =
  /^```sh lab(?: lines=(\d+))?\nnpm run nats -- ([^\n]+)\n```\n(?:\n?```text output\n([\s\S]*?)^```)?/gm;

/** Fences `sh lab` with one command each; with `lines=N` the command is stopped after so many lines of output. */
export function cliSnippetsIn(markdown: string): CliSnippet[] {
  const text = markdown.replaceAll("\r\n", "\n");
  return [...text.matchAll(fence)].map((match) => ({
    args: words(match[2] ?? ""),
    ...(match[1] !== undefined && { lines: Number(match[1]) }),
    output: match[3] ?? "",
    line: text.slice(0, match.index).split("\n").length + 1,
  }));
}

/** Words as both kinds of shell read them: a space divides, double quotes hold together. */
function words(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|([^\s"]+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");
}

/**
 * Types the commands one after the other, in one lab, with contexts of their own.
 * @param enough for commands that are stopped: looked at after each line
 * @returns what each printed
 */
export async function typeInLab(
  lesson: Lesson,
  snippets: readonly CliSnippet[],
  server: FoundProgram,
  enough: (printed: string, snippet: CliSnippet) => boolean = hasLines,
): Promise<string[]> {
  const cli = await findProgram("nats");
  const { lab } = (await import(pathToFileURL(builtFile(`lab-${lesson.folder}.mjs`)).href)) as { lab: Lab };
  const nats = await NatsServer.start(server, { ...labServer(lab, seed), ...users });
  const folder = temporaryFolder("contexts");
  const outputs: string[] = [];
  try {
    const playing = await playLab(lab, seed, (name, more) =>
      connect({ servers: nats.url, ...users.user, name, ...more }),
    );
    const here = `${nats.host}:${nats.port}`;
    for (const snippet of snippets) {
      const printed = await type(cli, snippet, folder, here, enough);
      outputs.push(printed.replaceAll(here, shown).replaceAll(folder, shownFolder));
    }
    await playing.end();
    return outputs;
  } finally {
    await nats.close();
    removeFolder(folder);
  }
}

function hasLines(printed: string, { lines = Number.POSITIVE_INFINITY }: CliSnippet): boolean {
  return printed.split("\n").length > lines;
}

function type(
  { path }: FoundProgram,
  snippet: CliSnippet,
  folder: string,
  here: string,
  enough: (printed: string, snippet: CliSnippet) => boolean,
): Promise<string> {
  const child = spawn(
    path,
    snippet.args.map((arg) => arg.replaceAll(shown, here)),
    {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...markedEnvironment(), ...natsCliEnvironment(folder), NO_COLOR: "1" },
      detached: process.platform !== "win32",
      timeout: longestMs,
      windowsHide: true,
    },
  );
  watchOver(child);
  return new Promise((resolve, reject) => {
    let printed = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8");
      stream.on("data", (text: string) => {
        printed += text;
        if (snippet.lines !== undefined && enough(printed, snippet)) child.kill("SIGKILL");
      });
    }
    child.once("error", reject);
    child.once("close", () => {
      const lines = printed.split("\n").map((line) => line.trimEnd());
      resolve(`${lines.join("\n").replace(/^\n+|\n+$/g, "")}\n`);
    });
  });
}

/** A line without what is another one in each run: numbers, times, sizes, and the widths that follow from them. */
function masked(line: string): string {
  return line
    .replace(/\d[\d.,:]*(?:\s?(?:[KM]iB|B|µs|ms|s|m|h|%)(?![a-z]))*/g, "#")
    .replace(/#(?:[hms]#)*(?: \/ #)?/g, "#")
    .replace(/[─\s]+/g, " ")
    .trim();
}

const linesOf = (text: string) => text.split("\n").map(masked).filter(Boolean);

/** Whether a command prints what the page shows. Of one that goes on for ever, each shown line must come. */
export function printsTheSame({ lines, output }: CliSnippet, printed: string): boolean {
  const [page, run] = [linesOf(output), linesOf(printed)];
  if (lines === undefined) return page.join("\n") === run.join("\n");
  return page.length > 0 && page.every((line) => run.includes(line));
}

/** The page with the output of each command renewed, where it is another one. */
export async function renewCliOutputs(
  lesson: Lesson,
  server: FoundProgram,
): Promise<{ before: string; after: string }> {
  const before = readFileSync(join(lesson.path, "README.md"), "utf8").replaceAll("\r\n", "\n");
  const snippets = cliSnippetsIn(before);
  if (snippets.length === 0) return { before, after: before };
  const outputs = await typeInLab(lesson, snippets, server);
  let index = 0;
  const after = before.replace(fence, (whole, lines: string | undefined, command: string) => {
    const snippet = snippets[index] as CliSnippet;
    const printed = outputs[index++] ?? "";
    const output =
      lines === undefined ? printed : `${printed.split("\n").slice(0, Number(lines)).join("\n")}\n`;
    // Traffic is never twice the same: what is stopped half-way is kept once it is there.
    if (printsTheSame(snippet, output) || (lines !== undefined && snippet.output !== "")) return whole;
    const info = lines === undefined ? "" : ` lines=${lines}`;
    return `\`\`\`sh lab${info}\nnpm run nats -- ${command}\n\`\`\`\n\n\`\`\`text output\n${output}\`\`\``;
  });
  return { before, after };
}
