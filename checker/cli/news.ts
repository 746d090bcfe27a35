// What the instructor has said, for a terminal.
import { learnerFolder, membership } from "../classroom/membership.ts";
import type { Unseen } from "../classroom/news.ts";
import { colours as c, print, wrap } from "./text.ts";

/** Prints what was not shown yet. Nothing without a classroom. */
export async function showNews(): Promise<void> {
  if (!membership()) return;
  const { NewsBoard } = await import("../classroom/news.ts");
  const text = newsText(new NewsBoard(learnerFolder).take());
  if (text) print(text);
}

export function newsText({ announcements, pace }: Unseen): string {
  const lines = announcements.map(
    ({ text }) => `${c.bold(c.cyan("  The instructor:"))}\n${wrap(plain(text), 4)}`,
  );
  const parts = [
    pace?.lesson && `${pace.lesson} is open now: npm run check ${pace.lesson}.`,
    pace?.goOnAt && `We go on at ${pace.goOnAt}.`,
  ].filter(Boolean);
  if (parts.length > 0) lines.push(`${c.bold(c.cyan("  The room:"))}\n${wrap(parts.join(" "), 4)}`);
  return lines.length > 0 ? `${lines.join("\n")}\n` : "";
}

/** What comes from a network must not move the cursor. */
function plain(text: string): string {
  return text.replace(/\p{Cc}/gu, " ");
}
