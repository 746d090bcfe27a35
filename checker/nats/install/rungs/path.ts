// Second rung: the program on PATH, if it is new enough.

import { accessSync, constants, statSync } from "node:fs";
import { delimiter, resolve } from "node:path";
import { readLock } from "../lock.ts";
import { probeNewEnough } from "../probe.ts";
import type { Program } from "../programs.ts";
import type { LookingRung } from "./rung.ts";

export const pathRung: LookingRung = {
  source: "PATH",
  async look(program) {
    const reasons: string[] = [];
    for (const path of onPath(program.name)) {
      const answer = await probeNewEnough(program, path);
      if ("version" in answer) return { path, version: answer.version, source: "PATH" };
      reasons.push(answer.reason);
    }
    return {
      source: "PATH",
      reason: reasons.join("; ") || `there is no ${program.name} on PATH`,
      mend: installHint(program),
    };
  },
};

/** Every executable file of this name on PATH, in order. */
export function onPath(name: string): string[] {
  const endings = process.platform === "win32" ? (process.env.PATHEXT ?? ".EXE").split(";") : [""];
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  return folders
    .flatMap((folder) => endings.map((ending) => resolve(folder, name + ending)))
    .filter(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function installHint(program: Program): string {
  if (process.platform === "darwin" && program.name === "nats-server") return "brew install nats-server";
  if (process.platform === "darwin" && program.name === "nats") return "brew install nats-io/nats-tools/nats";
  return `go install ${program.goPackage}@v${readLock()[program.name].version}`;
}
