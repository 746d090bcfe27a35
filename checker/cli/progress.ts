// What is shown on stderr while a learner waits: an installation's progress, as a bar on a terminal and a line a step anywhere else;
// and how far a grading is.
import { createRequire } from "node:module";
import type { SingleBar } from "cli-progress";
import type { Lesson } from "../course/lessons.ts";
import type { TestResult } from "../grading/verdict.ts";
import type { InstallEvent, OnProgress } from "../nats/install/find.ts";
import { columns, cut, wrap } from "./text.ts";

/**
 * A listener for one installation after another. Loads the library of the bar only when a bar is drawn.
 * @param stream for tests
 */
export function installProgress(stream: NodeJS.WriteStream = process.stderr): OnProgress {
  let drawn: Drawn | undefined;
  let begun: InstallEvent | undefined;
  const say = (text: string, indent = 0) => stream.write(`${wrap(text, indent)}\n`);
  const erase = () => {
    drawn?.stop();
    drawn = undefined;
  };
  return (event) => {
    if (event.kind === "bytes") {
      if (drawn) drawn.bytes(event.bytes, event.totalBytes);
      else if (stream.isTTY) drawn = drawBytes(stream, event.bytes, event.totalBytes);
      return;
    }
    erase();
    if (event.kind === "failed") {
      // A rung that had nothing to begin with, such as Go on a machine without it, is no news.
      if (begun?.source === event.source) say(`That did not work: ${event.reason}.`, 2);
      return;
    }
    if (event.kind === "started") begun = event;
    say(sentence(event));
    // How far a compiler is cannot be seen, so the seconds are shown; a download's bar comes with its first bytes.
    if (
      stream.isTTY &&
      (event.kind === "waiting" || (event.kind === "started" && event.source !== "release"))
    ) {
      drawn = drawSeconds(stream);
    }
  };
}

/**
 * A line on stderr that says how far a grading is, until it is erased. Only on a terminal: anywhere else the verdict says it all.
 * @param stream for tests
 */
export function checkProgress(
  lesson: Lesson,
  stream: NodeJS.WriteStream = process.stderr,
): { ended(test: TestResult): void; erase(): void } {
  if (!stream.isTTY) return { ended: () => {}, erase: () => {} };
  let checks = 0;
  let passed = 0;
  const draw = () => {
    const far = checks === 0 ? "…" : `: ${passed} of ${checks} checks passed so far`;
    stream.write(`\r\u001b[K${cut(`Grading ${lesson.id}${far}`, columns() - 1)}`);
  };
  draw();
  return {
    ended({ status }) {
      checks++;
      if (status === "pass") passed++;
      draw();
    },
    erase: () => void stream.write("\r\u001b[K"),
  };
}

function sentence(event: Exclude<InstallEvent, { kind: "bytes" | "failed" }>): string {
  const what = [event.program, event.version].filter(Boolean).join(" ");
  if (event.kind === "waiting") return `Another run is installing ${event.program}; waiting to share it…`;
  if (event.kind === "done") return `Installed ${what}.`;
  const expect = `(${event.expect})…`;
  if (event.source === "release") return `Downloading ${what} ${expect}`;
  if (event.source === "go") return `Installing ${what} with go install ${expect}`;
  return `Unpacking the distribution's package of ${what} ${expect}`;
}

interface Drawn {
  bytes(bytes: number, totalBytes: number | undefined): void;
  stop(): void;
}

const megabyte = 1024 * 1024;

function drawBytes(stream: NodeJS.WriteStream, first: number, total: number | undefined): Drawn {
  const megabytes = (bytes: number) => (bytes / megabyte).toFixed(1);
  // Without a total there is no bar to fill.
  const format = total ? "  {bar} {percentage}%  {done} of {all} MB" : "  {done} MB";
  const bar = newBar(stream, format);
  const about = (bytes: number) => ({ done: megabytes(bytes), all: megabytes(total ?? 0) });
  bar.start(total ?? 1, first, about(first));
  return { bytes: (bytes) => bar.update(bytes, about(bytes)), stop: () => bar.stop() };
}

function drawSeconds(stream: NodeJS.WriteStream): Drawn {
  const bar = newBar(stream, "  {seconds} s");
  const begun = Date.now();
  const seconds = () => ({ seconds: Math.round((Date.now() - begun) / 1000) });
  bar.start(1, 0, seconds());
  const timer = setInterval(() => bar.update(0, seconds()), 1_000);
  timer.unref();
  return {
    bytes: () => {},
    stop: () => {
      clearInterval(timer);
      bar.stop();
    },
  };
}

function newBar(stream: NodeJS.WriteStream, format: string): SingleBar {
  // An event must be drawn when it comes, so the library is loaded as only require can: at once.
  const { SingleBar, Presets } = createRequire(import.meta.url)(
    "cli-progress",
  ) as typeof import("cli-progress");
  return new SingleBar(
    { stream, format, clearOnComplete: true, hideCursor: false, barsize: 40 },
    Presets.rect,
  );
}
