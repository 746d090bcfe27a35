// Which classroom is open at an address.
import { EnvironmentTrouble, UsageError } from "../course/errors.ts";
import { reachedFromHere } from "./address.ts";
import { askClassroom, type Question } from "./ask.ts";
import { type Room, readRoom } from "./messages.ts";
import type { ClassroomState } from "./state.ts";

/** Of this machine's own classroom, which is near. */
const ownWithinMs = 3_000;

/** @throws EnvironmentTrouble when nobody answers there, or it is no classroom */
export async function roomAt(url: URL, question?: Question): Promise<Room> {
  const { status, text } = await askClassroom(new URL("api/room", url), question);
  const room = status === 200 ? readRoom(text) : undefined;
  if (room) return room;
  throw new EnvironmentTrouble(
    `What is at ${url.href} does not say which classroom it is: it answered with status ${status}.`,
    "Is the address right? If the classroom is just starting, try again in a moment.",
  );
}

/**
 * Two hosts on one folder would write over each other's store.
 * @throws UsageError when this classroom is open now
 */
export async function refuseIfOpen({ room, ports, host = "127.0.0.1", tls }: ClassroomState): Promise<void> {
  if (!ports) return;
  const url = new URL(`${tls ? "https" : "http"}://${reachedFromHere(host)}:${ports.http}/`);
  const open = await roomAt(url, { trustAny: true, withinMs: ownWithinMs }).catch(() => undefined);
  if (open?.room !== room) return;
  throw new UsageError(
    `This classroom is open already, at ${url.href}`,
    "Use that one, or close it first: Ctrl+C in its terminal.",
  );
}
