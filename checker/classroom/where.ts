// Which classroom is open at an address.
import { UsageError } from "../course/errors.ts";
import { askClassroom, type Question } from "./ask.ts";
import { type Room, readRoom } from "./messages.ts";
import type { ClassroomState } from "./state.ts";
import { bracketed } from "./web.ts";

const answerWithinMs = 3_000;

/** Undefined when nobody answers there, or it is no classroom. */
export async function roomAt(url: URL | string, question: Question = {}): Promise<Room | undefined> {
  const answer = await askClassroom(new URL("api/room", url), {
    withinMs: answerWithinMs,
    ...question,
  }).catch(() => undefined);
  return answer?.status === 200 ? readRoom(answer.text) : undefined;
}

/**
 * Two hosts on one folder would write over each other's store.
 * @throws UsageError when this classroom is open now
 */
export async function refuseIfOpen({ room, ports, host = "127.0.0.1", tls }: ClassroomState): Promise<void> {
  if (!ports) return;
  const name = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  const url = `${tls ? "https" : "http"}://${bracketed(name)}:${ports.http}/`;
  if ((await roomAt(url, { trustAny: true }))?.room !== room) return;
  throw new UsageError(
    `This classroom is open already, at ${url}`,
    "Use that one, or close it first: Ctrl+C in its terminal.",
  );
}
