// First rung: the binary that an environment variable names.
import { probeNewEnough } from "../probe.ts";
import { typedPath } from "../typed-path.ts";
import type { LookingRung } from "./rung.ts";

export const environmentRung: LookingRung = {
  source: "environment",
  async look(program) {
    const named = process.env[program.variable];
    if (!named) {
      return {
        source: "environment",
        reason: `${program.variable} is not set`,
        mend: `export ${program.variable}=/path/to/${program.name}`,
      };
    }
    const path = typedPath(named);
    const answer = await probeNewEnough(program, path);
    if ("version" in answer) return { path, version: answer.version, source: "environment" };
    return {
      source: "environment",
      reason: `${program.variable}=${named} does not serve: ${answer.reason}`,
      mend: `unset ${program.variable}`,
    };
  },
};
