// The classroom that this learner has joined: kept beside progress, for its owner's eyes only. Read at every verdict, so nothing
// heavy is imported here.
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { workFolder } from "../course/places.ts";
import type { Joined } from "./messages.ts";

export interface Membership extends Joined {
  readonly version: 1;
  /** Where the classroom's pages are. */
  readonly url: string;
  readonly seed: string;
  /** The certificate to trust, as PEM, when the classroom has one that nobody else knows. */
  readonly ca?: string;
}

/** Everything of the learner's side; beside `progress.json`. */
export const learnerFolder = join(workFolder, "classroom", "learner");

export const membershipFile = (folder: string) => join(folder, "membership.json");

/** Undefined when no classroom was joined, or what is there cannot be read. */
export function membership(folder = learnerFolder): Membership | undefined {
  try {
    const member = JSON.parse(readFileSync(membershipFile(folder), "utf8")) as Membership;
    return member.version === 1 && member.seed && member.jwt && member.id && member.room ? member : undefined;
  } catch {
    return undefined;
  }
}

export function leave(folder = learnerFolder): void {
  rmSync(folder, { recursive: true, force: true });
}

/** Where NATS is, for this learner. */
export function serversOf({ servers, port, tls, url }: Membership): string[] {
  if (servers) return [...servers];
  return [`${tls ? "tls" : "nats"}://${new URL(url).hostname}:${port}`];
}
