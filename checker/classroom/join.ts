// Joins a classroom: asks its host, and keeps the credentials. The secret half of the key is made here and stays here.
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createUser } from "@nats-io/jwt";
import writeFileAtomic from "write-file-atomic";
import { EnvironmentTrouble, UsageError } from "../course/errors.ts";
import { askClassroom } from "./ask.ts";
import { learnerFolder, type Membership, membershipFile } from "./membership.ts";
import { parsed, readJoined } from "./messages.ts";
import { roomAt } from "./where.ts";

/** The key that is being joined with: when the answer is lost, the next try is the same learner. */
const keyIn = (folder: string) => join(folder, "joining.json");

export interface JoinOptions {
  readonly url: string;
  readonly name: string;
  readonly code: string;
  /** PEM. */
  readonly ca?: string;
  readonly folder?: string;
}

/** @throws UsageError when the classroom refuses, EnvironmentTrouble when it cannot be reached */
export async function joinClassroom({
  url,
  name,
  code,
  ca,
  folder = learnerFolder,
}: JoinOptions): Promise<Membership> {
  const base = readUrl(url);
  const { seed, key } = keyFor(base.href, folder);
  const ask = () =>
    askClassroom(new URL("api/join", base), { body: JSON.stringify({ name, code, key }), ca });
  // A crowded room breaks connections. The same key asks again, so that nobody joins twice.
  const { status, text } = await ask().catch(ask);
  const joined = status === 200 ? readJoined(text) : undefined;
  if (!joined) {
    const { error } = (parsed(text) ?? {}) as { error?: unknown };
    const why =
      typeof error === "string"
        ? error.replace(/\p{Cc}/gu, " ").slice(0, 300)
        : `It answered with status ${status}.`;
    if (status >= 500) throw new EnvironmentTrouble(why, "Run the command again in a moment.");
    throw new UsageError(why, `The address was ${base.href}`);
  }
  const member: Membership = { version: 1, url: base.href, seed, ...joined, ...(ca !== undefined && { ca }) };
  writePrivate(membershipFile(folder), member);
  rmSync(keyIn(folder), { force: true });
  return member;
}

/** @throws UsageError when it is none */
export function readUrl(typed: string): URL {
  const full = /^https?:\/\//.test(typed) ? typed : `http://${typed}`;
  if (!URL.canParse(full))
    throw new UsageError(
      `"${typed}" is not an address.`,
      "It looks like http://192.168.1.5:4280/, as the instructor shows it.",
    );
  const url = new URL(full);
  url.pathname = "/";
  url.search = "";
  url.hash = "";
  return url;
}

function keyFor(url: string, folder: string): { seed: string; key: string } {
  try {
    const kept = JSON.parse(readFileSync(keyIn(folder), "utf8")) as {
      url: string;
      seed: string;
      key: string;
    };
    if (kept.url === url) return kept;
  } catch {
    // None yet.
  }
  const user = createUser();
  const made = { url, seed: new TextDecoder().decode(user.getSeed()), key: user.getPublicKey() };
  writePrivate(keyIn(folder), made);
  return made;
}

/**
 * The learner's classroom, when it is the one that is open at this address now: an instructor's laptop gets another address, and what waits in
 * the outbox is to go there.
 * @returns the membership with this address; undefined when another classroom is open there
 * @throws EnvironmentTrouble when no classroom answers there
 */
export async function moveTo(
  member: Membership,
  url: URL,
  folder = learnerFolder,
): Promise<Membership | undefined> {
  const found = await roomAt(url, { ca: member.ca });
  if (found.room !== member.room) return undefined;
  const { servers: _, port: __, ...rest } = member;
  const moved: Membership = { ...rest, ...found, url: url.href };
  writePrivate(membershipFile(folder), moved);
  return moved;
}

function writePrivate(file: string, value: unknown): void {
  try {
    mkdirSync(join(file, ".."), { recursive: true, mode: 0o700 });
    writeFileAtomic.sync(file, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  } catch (error) {
    throw new EnvironmentTrouble(
      `${file} cannot be written: ${(error as Error).message}.`,
      "See that the course's folder is writable and the disk is not full.",
      { cause: error },
    );
  }
}
