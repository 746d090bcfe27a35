// What a lesson's front matter may need beyond a server, as the program that it means. `server>=2.11` is not among them: the server is there.
import { type ProgramName, programs } from "./programs.ts";

const programOfNeed: Readonly<Record<string, ProgramName>> = {
  "nats-cli": "nats",
  "streaming-server": "nats-streaming-server",
};

export function neededPrograms(needs: readonly string[]): ProgramName[] {
  return needs.flatMap((need) => programOfNeed[need] ?? []);
}

/** What to do when a needed program is not here, in one sentence. */
export function howToGet(name: ProgramName): string {
  return `\`npm run setup\` installs it; or put ${name} ${programs[name].minimum} or newer on PATH, or name it in ${programs[name].variable}`;
}
