// Saves of one file, as editors make them, and as they look where the system tells of none.
import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FileWatch } from "../../checker/watch/file-watch.ts";
import { within } from "../grading/leftovers.ts";

let folder = "";
let file = "";
let saves = 0;
let polling: string[] = [];
let watch: FileWatch;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "learn-nats-watch-"));
  mkdirSync(join(folder, "lesson"));
  file = join(folder, "lesson", "exercise.ts");
  writeFileSync(file, "one");
  saves = 0;
  polling = [];
});
afterEach(() => {
  watch.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Begins to watch; resolves when a first save was noticed, so that events are under way. */
async function begin(options: { poll?: boolean } = {}): Promise<void> {
  watch = new FileWatch(file, { onSave: () => saves++, onPolling: (why) => polling.push(why), ...options });
  writeFileSync(file, "begin");
  await saved(1);
  saves = 0;
}

async function saved(times: number): Promise<void> {
  if (!(await within(20_000, () => saves >= times)))
    throw new Error(`${saves} saves were noticed, not ${times}.`);
}

test("a file that is written over, appended to, or replaced by a new one", async () => {
  await begin();
  writeFileSync(file, "two");
  await saved(1);
  appendFileSync(file, " and more");
  await saved(2);
  writeFileSync(`${file}.tmp`, "three");
  renameSync(`${file}.tmp`, file);
  await saved(3);
  expect(polling).toEqual([]);
});

test("an editor that empties the file before it writes it saves once", async () => {
  await begin();
  writeFileSync(file, "");
  writeFileSync(file, "two");
  await saved(1);
  // The slow look of a second later finds nothing new.
  expect(await within(1_500, () => saves > 1)).toBe(false);
});

test("a file that stays empty is a save", async () => {
  await begin();
  writeFileSync(file, "");
  await saved(1);
});

test("notices that events do not come, says so, and looks itself", async () => {
  await begin();
  // The folder that events come from is another one now, as after a new mount: the system tells of nothing in the new one.
  renameSync(join(folder, "lesson"), join(folder, "away"));
  mkdirSync(join(folder, "lesson"));
  writeFileSync(file, "two");
  await saved(1);
  if (!(await within(20_000, () => polling.length > 0)))
    throw new Error("It did not say that it looks itself.");
  const before = saves;
  writeFileSync(file, "three");
  await saved(before + 1);
  expect(polling).toHaveLength(1);
});

test("looks itself when told to", async () => {
  await begin({ poll: true });
  writeFileSync(file, "two");
  await saved(1);
});
