// What the instructor has said, as this learner's machine heard it last.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import writeFileAtomic from "write-file-atomic";
import type { Announcement, News, Pace } from "./messages.ts";

interface Kept extends News {
  /** Announcements that were shown, by their ids. */
  readonly shown: readonly string[];
  readonly shownPace?: string;
}

/** What is to be shown now; of a pace, only when it has changed. */
export interface Unseen {
  readonly announcements: readonly Announcement[];
  readonly pace?: Pace;
}

export class NewsBoard {
  readonly #file: string;

  constructor(home: string) {
    this.#file = join(home, "news.json");
  }

  hear(news: News): void {
    this.#keep({ ...this.#kept(), pace: news.pace, announcements: news.announcements } as Kept);
  }

  /** What has not been shown yet; it counts as shown from now on. */
  take(): Unseen {
    const kept = this.#kept();
    const announcements = kept.announcements.filter(({ id }) => !kept.shown.includes(id));
    const pace = JSON.stringify(kept.pace);
    const fresh = kept.pace !== undefined && pace !== kept.shownPace;
    if (announcements.length > 0 || fresh)
      this.#keep({
        ...kept,
        shown: [...kept.shown, ...announcements.map(({ id }) => id)].slice(-100),
        ...(pace !== undefined && { shownPace: pace }),
      });
    return { announcements, ...(fresh && kept.pace && { pace: kept.pace }) };
  }

  #kept(): Kept {
    try {
      return JSON.parse(readFileSync(this.#file, "utf8")) as Kept;
    } catch {
      return { announcements: [], shown: [] };
    }
  }

  #keep(kept: Kept): void {
    try {
      writeFileAtomic.sync(this.#file, JSON.stringify(kept), { mode: 0o600 });
    } catch {
      // It is told again with the next message.
    }
  }
}
