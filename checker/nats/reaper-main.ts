// The reaper: a small process that outlives the run. It reads what was started from its standard input; when that pipe closes, for
// whatever reason (even SIGKILL of the checker), it ends what is still listed, removes the listed folders, and goes.
import { rmSync } from "node:fs";
import { createInterface } from "node:readline";
import { endProcess, endStragglers } from "./end-process.ts";

const processes = new Set<number>();
const folders = new Set<string>();
let mark = "";

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});

createInterface({ input: process.stdin })
  .on("line", (line) => {
    const [verb, ...rest] = line.split(" ");
    const what = rest.join(" ");
    if (verb === "mark") mark = what;
    if (verb === "started") processes.add(Number(what));
    if (verb === "ended") processes.delete(Number(what));
    if (verb === "made") folders.add(what);
    if (verb === "removed") folders.delete(what);
  })
  .on("close", () => {
    for (const pid of processes) endProcess(pid);
    if (mark) endStragglers(mark);
    for (const folder of folders) removeFolder(folder);
    process.exit(0);
  });

function removeFolder(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  } catch {
    // A folder in use on Windows; it is in the system's temporary folder, which the system clears.
  }
}
