// For a command that stays open, as watch mode does: hears the instructor at once, and sends from this process.
import { learnerFolder, membership } from "./membership.ts";
import type { News } from "./messages.ts";
import { NewsBoard, type Unseen } from "./news.ts";
import { sendWith, tellClassroom } from "./report-to.ts";
import { Sender } from "./sender.ts";

const lookAgainMs = 1_000;

export interface Following {
  close(): Promise<void>;
}

/**
 * Told of each announcement, and of each change of pace, once. Never throws: without a classroom, or without a connection, nothing is heard.
 * @returns undefined when no classroom was joined
 */
export function followClassroom(
  onNews: (unseen: Unseen) => void,
  onHand?: (up: boolean) => void,
): Following | undefined {
  if (!membership()) return undefined;
  const board = new NewsBoard(learnerFolder);
  const heard = (_: News) => {
    const unseen = board.take();
    if (unseen.announcements.length > 0 || unseen.pace) onNews(unseen);
  };
  let sender: Sender | undefined;
  let closed = false;
  // Somebody may leave in another terminal and join again: under another name, or another classroom.
  const follow = async () => {
    while (!closed) {
      const member = membership();
      if (member) {
        sender = new Sender({ member, home: learnerFolder, onNews: heard, ...(onHand && { onHand }) });
        sendWith(() => sender?.wake());
        await sender.follow().catch(() => {});
        sendWith(undefined);
      }
      if (!closed) await new Promise((resolve) => setTimeout(resolve, lookAgainMs).unref());
    }
  };
  void follow();
  return {
    async close() {
      closed = true;
      sendWith(undefined);
      await sender?.close();
    },
  };
}

/** Raises the hand, or takes it down. @returns the message's number; undefined when no classroom was joined */
export function raiseHand(up: boolean, text?: string): number | undefined {
  if (!membership()) return undefined;
  return tellClassroom({ kind: "hand", up, ...(text && { text }) });
}
