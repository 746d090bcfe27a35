// Finds the programs that the course runs, by a ladder of ways; the first that serves is used.
import { EnvironmentTrouble } from "../../course/errors.ts";
import { cacheFolder } from "../../course/places.ts";
import type { OnProgress } from "./events.ts";
import { type Program, type ProgramName, programs } from "./programs.ts";
import { cacheRung } from "./rungs/cache.ts";
import { environmentRung } from "./rungs/environment.ts";
import { pathRung } from "./rungs/path.ts";
import {
  defaultLimits,
  type FoundProgram,
  isRefusal,
  type Limits,
  type LookingRung,
  type Refusal,
  type RungReport,
} from "./rungs/rung.ts";

export type { InstallEvent, OnProgress } from "./events.ts";
export type { ProgramName } from "./programs.ts";
export type { FoundProgram, RungReport } from "./rungs/rung.ts";

/** In the order in which they are tried; those that install come after them. */
const lookingRungs: readonly LookingRung[] = [environmentRung, pathRung, cacheRung];

export interface FindOptions {
  readonly onProgress?: OnProgress;
  /** False to use only what is already on this machine. Default true. */
  readonly install?: boolean;
  /** How long the network may take. */
  readonly limits?: Partial<Limits>;
}

/**
 * The program, from the first rung that serves: environment variable, PATH, the course's cache, release archive,
 * `go install`, the distribution's package. Costs a few milliseconds when it is already here.
 * @throws EnvironmentTrouble when no rung serves, or the environment variable names something that does not
 */
export async function findProgram(name: ProgramName, options: FindOptions = {}): Promise<FoundProgram> {
  const program = programs[name];
  const refusals: Refusal[] = [];
  for (const rung of lookingRungs) {
    const answer = await rung.look(program);
    if (!isRefusal(answer)) return answer;
    // Whoever names a binary wants that one: nothing else may stand in for it.
    if (rung === environmentRung && process.env[program.variable]) throw namedInVain(program, answer);
    refusals.push(answer);
  }
  if (options.install === false) throw nothingServes(program, refusals);

  const { install } = await import("./install.ts");
  const { onProgress, limits } = options;
  const answer = await install(program, {
    lookAgain: () => cacheRung.look(program),
    ...(onProgress ? { onProgress } : {}),
    ...(limits ? { limits } : {}),
  });
  if (Array.isArray(answer)) throw nothingServes(program, [...refusals, ...answer]);
  return answer;
}

/** Every rung in order, for `doctor`: what it found, or why it does not serve and what would mend that. Installs nothing. */
export async function inspectRungs(name: ProgramName, limits: Partial<Limits> = {}): Promise<RungReport[]> {
  const program = programs[name];
  const { installingRungs } = await import("./install.ts");
  const { refusalOf } = await import("./place.ts");
  const unwritable = refusalOf(cacheFolder());
  const [looked, foreseen] = await Promise.all([
    Promise.all(lookingRungs.map((rung) => rung.look(program))),
    Promise.all(installingRungs.map((rung) => rung.foresee(program, { ...defaultLimits, ...limits }))),
  ]);
  const used = looked.find((answer) => !isRefusal(answer));
  const insisted = process.env[program.variable] !== undefined && process.env[program.variable] !== "";
  return [
    ...looked.map((answer): RungReport => {
      if (isRefusal(answer)) return unusable(name, answer);
      const { source, path, version } = answer;
      const detail = `${path}, version ${version}`;
      const inVain = insisted && source !== "environment" && looked[0] !== undefined && isRefusal(looked[0]);
      return {
        program: name,
        source,
        state: answer === used && !inVain ? "used" : "usable",
        path,
        version,
        detail,
      };
    }),
    ...foreseen.map((answer, place): RungReport => {
      if (isRefusal(answer)) return unusable(name, answer);
      const source = installingRungs[place]?.source ?? "release";
      if (unwritable) {
        const reason = `the cache cannot be written: ${unwritable}`;
        return unusable(name, { source, reason, mend: "export LEARN_NATS_CACHE=/a/folder/you/can/write" });
      }
      return { program: name, source, state: "usable", detail: answer.detail };
    }),
  ];
}

function unusable(program: ProgramName, { source, reason, mend }: Refusal): RungReport {
  return { program, source, state: "unusable", detail: reason, ...(mend ? { mend } : {}) };
}

function namedInVain(program: Program, { reason }: Refusal): EnvironmentTrouble {
  return new EnvironmentTrouble(
    `${reason}.`,
    `Set ${program.variable} to a working ${program.name}, or unset it to let the course find one.`,
  );
}

function nothingServes(program: Program, refusals: readonly Refusal[]): EnvironmentTrouble {
  const lines = refusals.map(({ source, reason }) => `  ${`${source}:`.padEnd(13)}${reason}`);
  const last = refusals.findLast((refusal) => refusal.mend !== undefined && refusal.source !== "environment");
  return new EnvironmentTrouble(
    `No ${program.name} can be found or installed:\n${lines.join("\n")}`,
    [
      `Any one of these is enough: install ${program.name} ${program.minimum} or newer on PATH; set ${program.variable};`,
      "connect to the internet; or copy it from another machine with `npm run setup -- --from FILE`.",
      `\`npm run doctor\` shows each way and what would mend it.${last?.mend ? ` For instance: ${last.mend}.` : ""}`,
    ].join("\n"),
  );
}
