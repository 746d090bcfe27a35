// Lesson 11, multi-tenancy: several carriers share one hub, and none of them sees what belongs to another.
//
// `accountsOf` writes the part of nats-server's configuration that says who may connect, and what each may do. The checker gives your text to
// a real server, and then people connect who want more than they may.
//
// The other two functions are programs of a scanner, which may do very little.
//
// Write the three functions. What each one promises stands above it.
// With npm start open, each save is graded; npm run check lesson-11 grades once.
import type { ConnectionOptions, NatsConnection } from "nats";

/** Names of users are letters and "-", and no two users have the same. A password is a letter, and then letters and digits. */
export interface Login {
  user: string;
  password: string;
}

/** It stands in a depot, and reports what it scans. */
export interface Scanner extends Login {
  /** Letters a to z. */
  depot: string;
}

export interface Carrier {
  /** Letters a to z. No two carriers have the same, and none is named customs. */
  name: string;
  office: Login;
  scanners: Scanner[];
  /** How many bytes of the hub's disk the streams of this carrier may take together. */
  disk: number;
}

export interface Hub {
  carriers: Carrier[];
  customs: Login;
}

export interface Scan {
  depot: string;
  event: string;
  parcel: string;
}

/**
 * The block `accounts { … }` of nats-server's configuration, as text.
 *
 * - Each carrier has an account of its own, with JetStream. No other account hears what is published in it, except for what is said below. All its
 *   streams together can take `disk` bytes of the disk, and no more.
 * - The office may do everything in its account.
 * - A scanner may publish on parcel.<its depot>.> and on customs.check, and subscribe to its own inbox, _INBOX.<its user>.>. Nothing else.
 * - Customs has an account of its own, and may do everything in it.
 * - All of a carrier's users can ask on customs.check. Customs gets the question on customs.check.<name of the carrier>, and the answer goes back. No
 *   carrier can ask in the name of another.
 * - What the office of a carrier publishes on handover.<name of another carrier>.<one token or more> comes to that carrier on
 *   from.<name of the carrier that published it>.<the same tokens>. Nobody else hears it. (In its own account a carrier hears what it publishes, of course.)
 * - Carriers come and go. The text for the new hub is then given to the running server. A user that is in the old hub and in the new one stays
 *   connected, and each stream stays with its carrier. The order of the carriers means nothing.
 */
export function accountsOf(hub: Hub): string {
  throw new Error("accountsOf is still to be written");
}

/**
 * Stores scans: each on parcel.<depot>.<event>, with the name of the parcel as payload. The carrier has a stream that takes these subjects.
 *
 * Returns the scans that were not stored, in the order of the list: those that the server denied, and those that the stream refused. All others
 * are stored when the function is done. (A scan can be in the list twice. Then it is stored twice.)
 *
 * The connection is given: it is a scanner's, with an inbox that this user may use. Leave it open.
 */
export async function storeScans(nc: NatsConnection, scans: Scan[]): Promise<Scan[]> {
  throw new Error("storeScans is still to be written");
}

/**
 * Asks customs whether a parcel may go on: on customs.check, with the name of the parcel. The answer is `yes` (returns true) or `no`
 * (returns false). With any other answer, or none, nobody knows. Then the function throws an error, after some seconds at the latest. It does so,
 * too, when the scanner may not ask or may not connect.
 *
 * It makes a connection of its own as the scanner, and closes it at the end.
 * @param options where the server is, and the name that the connection shall have: for `connect`
 */
export async function askCustoms(
  options: ConnectionOptions,
  scanner: Login,
  parcel: string,
): Promise<boolean> {
  throw new Error("askCustoms is still to be written");
}
