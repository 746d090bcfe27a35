// Exactly once, in order: what the ledger and the outbox promise, whatever comes and whoever writes at the same time.
import { execFile } from "node:child_process";
import { readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { csv } from "../../checker/classroom/insight.ts";
import { type Arrived, Ledger } from "../../checker/classroom/ledger.ts";
import type { Body } from "../../checker/classroom/messages.ts";
import { Outbox } from "../../checker/classroom/outbox.ts";
import { resultOf } from "../../checker/classroom/report-to.ts";
import { allLessons } from "../../checker/course/lessons.ts";
import { root } from "../../checker/course/places.ts";
import { temporary } from "./scene.ts";

const homes: string[] = [];
afterAll(() => {
  for (const home of homes) rmSync(home, { recursive: true, force: true });
});

function longAgo(file: string): void {
  utimesSync(file, new Date(0), new Date(0));
}

function result(n: number): Body {
  const passed = n % 3 === 0;
  const check = { name: "a check", ms: 1, ...(passed ? {} : { diagnosis: `belief-${n % 2}` }) };
  return {
    kind: "result",
    lesson: `lesson-0${1 + (n % 2)}`,
    status: passed ? "pass" : "fail",
    ms: 10,
    checks: [{ ...check, status: passed ? "pass" : "fail" }],
    hints: { general: 0, beliefs: [] },
    course: "1",
    server: "1",
  };
}

const arrived = (n: number, body: Body | undefined): Arrived => ({
  learner: "ana",
  at: 1_000_000 + n * 60_000,
  sequence: n,
  message: { v: 1, n, ageMs: 0, body },
});

function roomOf(messages: readonly Arrived[]): Ledger {
  const ledger = new Ledger();
  ledger.add({ id: "ana", name: "Ana", joinedAt: 0 });
  for (const message of messages) ledger.count(message);
  return ledger;
}

describe("the ledger", () => {
  const inOrder = Array.from({ length: 12 }, (_, i) => arrived(i + 1, result(i + 1)));

  test("counts each message once and in its order, however often and in whatever order they come", () => {
    const expected = JSON.stringify(roomOf(inOrder).summary("ana"));
    const shuffled = fc
      .array(fc.constantFrom(...inOrder), { maxLength: 30 })
      .chain((extra) =>
        fc.shuffledSubarray([...inOrder, ...extra], { minLength: inOrder.length + extra.length }),
      );
    fc.assert(
      fc.property(shuffled, (messages) => {
        const ledger = roomOf(messages);
        expect(ledger.upTo("ana")).toBe(12);
        expect(JSON.stringify(ledger.summary("ana"))).toBe(expected);
      }),
    );
  });

  test("waits for what is missing, and does not count what comes after it", () => {
    const ledger = roomOf(inOrder.filter(({ message }) => message.n !== 4));
    expect(ledger.upTo("ana")).toBe(3);
    expect(ledger.summary("ana")?.results).toBe(3);
    ledger.count(inOrder[3] as Arrived);
    expect(ledger.summary("ana")?.results).toBe(12);
  });

  test("goes on where code was taken back and erased, when all is counted again", () => {
    const erased: number[] = [];
    const share: Body = { kind: "share", lesson: "lesson-01", code: "secret" };
    const back: Body = { kind: "unshare", lesson: "lesson-01", takesBack: [1] };
    const ledger = new Ledger((sequences) => erased.push(...sequences));
    ledger.add({ id: "ana", name: "Ana", joinedAt: 0 });
    for (const message of [arrived(1, share), arrived(2, result(2)), arrived(3, back)]) ledger.count(message);
    expect({ erased, shared: ledger.shared("ana") }).toEqual({ erased: [1], shared: [] });
    expect(roomOf([arrived(2, result(2)), arrived(3, back)]).upTo("ana")).toBe(3);
  });

  test("is not led astray by names that every object has", () => {
    const forged = { ...(result(1) as object), lesson: "constructor" } as Body;
    const ledger = new Ledger(() => {}, new Set(["constructor"]));
    ledger.add({ id: "ana", name: "Ana", joinedAt: 0 });
    ledger.count(arrived(1, forged));
    expect(ledger.summary("ana")?.lessons.constructor).toMatchObject({ gradings: 1 });
  });

  test("keeps a summary that fits into a message, whatever is forged", () => {
    const checks = Array.from({ length: 100 }, (_, i) => ({
      name: "x".repeat(200),
      status: "fail" as const,
      diagnosis: `${"y".repeat(70)}-${i}`,
      ms: 1,
    }));
    const forged = Array.from({ length: 300 }, (_, i) =>
      arrived(i + 1, {
        ...(result(1) as Extract<Body, { kind: "result" }>),
        lesson: `no-lesson-${i}`,
        checks,
      }),
    );
    const summary = roomOf(forged).summary("ana");
    expect(Object.keys(summary?.lessons ?? {})).toEqual([]);
    expect(summary?.refused).toBe(300);
    const known = allLessons().map(({ id }, i) =>
      arrived(i + 1, { ...(result(1) as Extract<Body, { kind: "result" }>), lesson: id, checks }),
    );
    expect(JSON.stringify(roomOf(known).summary("ana")).length).toBeLessThan(128 * 1024);
  });
});

describe("the outbox", () => {
  test("gives each number once, even when many commands write at the same time", async () => {
    const home = temporary("outbox");
    homes.push(home);
    const program = `
      import { Outbox } from ${JSON.stringify(join(root, "checker/classroom/outbox.ts"))};
      const outbox = new Outbox(${JSON.stringify(home)});
      for (let i = 0; i < 25; i++) outbox.put({ kind: "hand", up: true });
    `;
    const run = promisify(execFile);
    const tsx = join(root, "node_modules", "tsx", "dist", "cli.mjs");
    await Promise.all(
      Array.from({ length: 4 }, () => run(process.execPath, [tsx, "-e", program], { cwd: root })),
    );
    const outbox = new Outbox(home);
    expect(outbox.waiting().map(({ n }) => n)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
    expect(new Set(outbox.waiting().map(({ id }) => id)).size).toBe(100);
    outbox.confirm(60);
    expect(outbox.waiting().map(({ n }) => n)).toEqual(Array.from({ length: 40 }, (_, i) => i + 61));
    outbox.confirm(99);
    // What is confirmed is kept for a while.
    expect(outbox.confirmedAfter(97, 10).map(({ n, body }) => [n, body?.kind])).toEqual([
      [98, "hand"],
      [99, "hand"],
    ]);
    for (const file of readdirSync(join(home, "sent"))) longAgo(join(home, "sent", file));
    outbox.confirm(100);
    expect(readdirSync(join(home, "outbox"))).toEqual([]);
    expect(outbox.confirmedAfter(98, 10).map(({ n, body }) => [n, body?.kind])).toEqual([
      [99, undefined],
      [100, "hand"],
    ]);
    expect(outbox.put({ kind: "hand", up: false })).toBe(101);
  });

  test("gives an empty message for one that the disk has lost, so that those after it count", () => {
    const home = temporary("outbox");
    homes.push(home);
    const outbox = new Outbox(home);
    for (let i = 0; i < 3; i++) outbox.put(result(i));
    const second = join(home, "outbox", "000002.json");
    writeFileSync(join(home, "confirmed.json"), JSON.stringify({ upTo: 0 }));
    writeFileSync(second, "");
    // It may just be being written.
    expect(outbox.waiting().map(({ n }) => n)).toEqual([1, 3]);
    longAgo(second);
    expect(outbox.waiting().map(({ n, body }) => [n, body?.kind])).toEqual([
      [1, "result"],
      [2, undefined],
      [3, "result"],
    ]);
  });
});

test("a result holds no code and no words of the verdict", () => {
  const text = JSON.stringify(
    resultOf(
      {
        version: 3,
        status: "fail",
        lesson: { id: "lesson-01", title: "t" },
        file: "/home/ana/exercise.ts",
        server: { version: "2.14.5", source: "PATH" },
        durationMs: 5,
        typeErrors: [{ message: "const secret", line: 1, column: 1 }],
        tests: [
          {
            name: "a\ncheck",
            status: "fail",
            message: "secret",
            output: "secret",
            evidence: ["secret"],
            durationMs: 1.4,
          },
        ],
      },
      {},
    ),
  );
  expect(text).not.toMatch(/secret|home/);
  expect(JSON.parse(text).checks).toEqual([{ name: "a check", status: "fail", ms: 1 }]);
});

test("a spreadsheet takes no name for a formula", () => {
  const ledger = roomOf([arrived(1, result(1))]);
  const summary = { ...ledger.summary("ana"), name: '=1+1,"x"' } as never;
  const catalogue = { lessons: [{ id: "lesson-02", title: "", minutes: 1, page: "", beliefs: [] }] };
  expect(csv([summary], catalogue)).toContain(`"'=1+1,""x""",lesson-02,no,0,1,1,0,0,,`);
});
