// Lesson 09, wildcards: depots send reports, and screens in the office show those that somebody wished for.
//
// A report goes out on the subject parcel.<depot>.<event>, for example parcel.ams.fault.belt. The payload is its text.
//
// An event is one word or several words with dots between them: in, fault, fault.belt. A word is made of the letters a to z, digits and
// "-". A depot has the name that people gave it. Any text may be a name, but an empty one may not.
//
// In a subject, a depot is one token. The letters A to Z and a to z, digits, "-" and "_" stay as they are. For everything else its bytes
// in UTF-8 are written, each as "%" and two hexadecimal digits in upper case: "St. Gallen" is St%2E%20Gallen.
//
// Write the two functions. What each one promises stands above it.
import type { NatsConnection } from "nats";

export interface Report {
  depot: string;
  event: string;
  text: string;
}

/** What somebody wants to see. Without `depot` it is the reports of every depot, without `event` those of every event. */
export interface Wish {
  /** The name of one depot, as people write it. */
  depot?: string;
  /** An event, and all below it: "fault" means fault, fault.belt and fault.belt.motor, and not faulty. */
  event?: string;
}

/**
 * A depot. Publishes a report. When this function is done, the server has it.
 *
 * @throws an error when the depot's name is empty, or `event` does not follow the rule above. Then nothing is published.
 */
export async function send(nc: NatsConnection, report: Report): Promise<void> {
  throw new Error("send is still to be written");
}

/**
 * A screen. Shows the reports that fit at least one of the wishes, each report once, until it is stopped.
 *
 * - When this function is done, the server knows what the screen wants: no such report that is published from now on is missed.
 * - The server sends the screen only what fits a wish. What nobody wishes for stays there.
 * - The depot of a report is shown as people write it.
 * - Anybody may publish here. A message whose depot cannot be read back, such as %ZZ, is passed over. What becomes of other messages that
 *   no depot would send is up to you.
 *
 * @returns a function that stops the screen. When that is done, the server sends nothing more, and nothing more is shown. The
 *   connection stays open.
 * @param wishes one or more
 * @throws an error when a wish names an empty depot, or an event that does not follow the rule above. Then nothing is subscribed to.
 */
export async function watch(
  nc: NatsConnection,
  wishes: Wish[],
  show: (report: Report) => void,
): Promise<() => Promise<void>> {
  throw new Error("watch is still to be written");
}
