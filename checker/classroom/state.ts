// What a classroom keeps on the instructor's disk, so that it is the same one after a crash: its code, its keys, its ports.
import { randomBytes, randomInt, timingSafeEqual } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { EnvironmentTrouble } from "../course/errors.ts";
import { workFolder } from "../course/places.ts";
import { newSeeds, type Seeds } from "./authority.ts";

export interface ClassroomState {
  readonly version: 1;
  readonly room: string;
  /** What learners type. */
  readonly code: string;
  /** What opens the dashboard. */
  readonly token: string;
  readonly seeds: Seeds;
  readonly createdAt: number;
  /** The ports that were used last: learners have written them down. */
  ports?: Ports;
  /** The address that it listened on last. */
  host?: string;
  /** Whether it was last opened with TLS. */
  tls?: boolean;
}

export interface Ports {
  readonly http: number;
  readonly nats: number;
  readonly ws: number;
}

/** `LEARN_NATS_CLASSROOM` moves it. */
export function classroomFolder(): string {
  return process.env.LEARN_NATS_CLASSROOM ?? join(workFolder, "classroom", "host");
}

const fileIn = (folder: string) => join(folder, "classroom.json");

export function classroomExists(folder = classroomFolder()): boolean {
  return existsSync(fileIn(folder));
}

/**
 * The classroom of this folder, made now when there is none.
 * @throws EnvironmentTrouble when it cannot be read or written; a new one is never made over one that is there
 */
export function openState(folder = classroomFolder()): ClassroomState {
  const file = fileIn(folder);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
    if (existsSync(file)) {
      const state = JSON.parse(readFileSync(file, "utf8")) as ClassroomState;
      if (state.version !== 1) throw new Error("it is of another version");
      return state;
    }
    const state: ClassroomState = {
      version: 1,
      room: letters(8),
      code: letters(6),
      token: randomBytes(24).toString("base64url"),
      seeds: newSeeds(),
      createdAt: Date.now(),
    };
    saveState(state, folder);
    return state;
  } catch (error) {
    throw new EnvironmentTrouble(
      `The classroom in ${file} cannot be opened: ${(error as Error).message}.`,
      "Repair that file, or begin another classroom with npm run classroom -- --new. The old one is kept beside it.",
      { cause: error },
    );
  }
}

export function saveState(state: ClassroomState, folder = classroomFolder()): void {
  writeFileAtomic.sync(fileIn(folder), `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
}

/** Puts the classroom that is there aside. @returns where it is kept now */
export function setAside(folder = classroomFolder()): string | undefined {
  if (!existsSync(folder)) return undefined;
  const kept = `${folder}-${new Date().toISOString().replaceAll(":", "-").slice(0, 19)}`;
  renameSync(folder, kept);
  return kept;
}

/** Without letters and digits that are taken for one another when they are read from a projector. */
function letters(count: number): string {
  const alphabet = "ABCDEFGHJKMNPQRSTUVWXYZ23456789";
  return Array.from({ length: count }, () => alphabet[randomInt(alphabet.length)]).join("");
}

/** Takes as long for a near miss as for any other. */
export function sameSecret(given: string, secret: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(secret)];
  return a.length === b.length && timingSafeEqual(a, b);
}
