// What goes on after something was lost or changed: a learner joins again, the host forgets, the laptop has another address.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { jetstreamManager } from "@nats-io/jetstream";
import { createUser } from "@nats-io/jwt";
import { afterAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { Authority } from "../../checker/classroom/authority.ts";
import { joinClassroom, moveTo } from "../../checker/classroom/join.ts";
import { leave, type Membership, membershipFile } from "../../checker/classroom/membership.ts";
import { mostCodeBytes, type Result } from "../../checker/classroom/messages.ts";
import { type OpenClassroom, openClassroom } from "../../checker/classroom/open.ts";
import { Outbox } from "../../checker/classroom/outbox.ts";
import { writeReport } from "../../checker/classroom/report.ts";
import { roomNames } from "../../checker/classroom/room.ts";
import { Sender } from "../../checker/classroom/sender.ts";
import { saveState, setAside } from "../../checker/classroom/state.ts";
import { connectAs } from "../../checker/classroom/store.ts";
import { findProgram } from "../../checker/nats/install/find.ts";
import { reapAll } from "../../checker/nats/reaper.ts";
import { temporary, threePorts, until } from "./scene.ts";

const result: Result = {
  kind: "result",
  lesson: "lesson-01",
  status: "pass",
  ms: 1,
  checks: [],
  hints: { general: 0, beliefs: [] },
  course: "1",
  server: "1",
};

describe("a classroom that goes on", () => {
  let folder: string;
  let home: string;
  let port: number;
  let room: OpenClassroom;

  beforeEach(async () => {
    folder = temporary("again");
    home = join(folder, "learner");
    process.env.LEARN_NATS_CLASSROOM = join(folder, "host");
    port = await threePorts();
    await open();
    onTestFinished(async () => {
      await room.close();
      rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    });
  });
  afterAll(() => reapAll());

  async function open(): Promise<void> {
    room = await openClassroom({ port, readOnly: true, server: () => findProgram("nats-server") });
  }

  function joined(name: string, at = port): Promise<Membership> {
    return joinClassroom({ url: `http://127.0.0.1:${at}/`, name, code: room.state.code, folder: home });
  }

  async function sends(member: Membership, withinMs = 60_000): Promise<boolean> {
    const sender = new Sender({ member, home });
    try {
      return await sender.empty(withinMs);
    } finally {
      await sender.close();
    }
  }

  async function manager() {
    const credentials = await Authority.of(room.state.seeds).host();
    const nc = await connectAs("test", { servers: [`127.0.0.1:${port + 1}`], credentials });
    onTestFinished(() => nc.close());
    return { nc, streams: (await jetstreamManager(nc)).streams };
  }

  test("a learner leaves and joins again while a sender follows: nothing goes under the old name", async () => {
    const first = await joined("Anna");
    const outbox = new Outbox(home);
    outbox.put(result);
    const sender = new Sender({ member: first, home });
    const ended = sender.follow();
    await until("the first result is confirmed", () => outbox.confirmed() === 1);

    leave(home);
    const second = await joined("Ana");
    outbox.put(result);
    outbox.put(result);
    await ended;
    expect(await sends(second)).toBe(true);
    expect(room.host.ledger.summary(second.id)).toMatchObject({ results: 2, refused: 0 });
    expect(room.host.ledger.upTo(first.id)).toBe(1);
  });

  test.each([
    ["that the learner still has", false, { results: 4, refused: 0 }],
    ["that nobody has any more", true, { results: 1, refused: 3 }],
  ])(
    "the host has lost what it had confirmed, %s: what comes after it counts",
    async (_, deleted, counted) => {
      const member = await joined("Ana");
      const outbox = new Outbox(home);
      for (let i = 0; i < 3; i++) outbox.put(result);
      expect(await sends(member)).toBe(true);
      // As after a loss of power: the names are older, and still there.
      const { nc, streams } = await manager();
      await streams.purge(roomNames(room.state.room).stream);
      await nc.close();
      await room.close();
      if (deleted) rmSync(join(home, "sent"), { recursive: true });
      await open();
      expect(room.host.ledger.upTo(member.id)).toBe(0);

      outbox.put(result);
      expect(await sends(member)).toBe(true);
      expect(room.host.ledger.summary(member.id)).toMatchObject(counted);
    },
  );

  test("the newest message of all was taken back and erased: the classroom opens again", async () => {
    const member = await joined("Ana");
    const { nc, streams } = await manager();
    const { from, stream } = roomNames(room.state.room);
    const say = (n: number, body: unknown) =>
      nc.publish(from(member.id), JSON.stringify({ v: 1, n, ageMs: 0, body }));
    say(1, result);
    say(3, { kind: "unshare", lesson: "lesson-01", takesBack: [] });
    say(2, { kind: "share", lesson: "lesson-01", code: "secret" });
    await until("it is erased", async () => (await streams.info(stream)).state.messages === 2);
    await nc.close();
    await room.close();
    await open();
    expect(room.host.ledger.upTo(member.id)).toBeGreaterThanOrEqual(1);
  });

  test("a message that is too large goes as an empty one, and the next ones count", async () => {
    const member = await joined("Ana");
    const outbox = new Outbox(home);
    outbox.put({ kind: "share", lesson: "lesson-01", code: "語".repeat(mostCodeBytes / 2) });
    outbox.put(result);
    expect(await sends(member)).toBe(true);
    expect(room.host.ledger.summary(member.id)).toMatchObject({ results: 1, refused: 1 });
  });

  test("the classroom has another address: the same learner goes on there, and what waits arrives", async () => {
    const member = await joined("Ana");
    const old = { ...member, url: "http://127.0.0.1:1/", port: 2 };
    writeFileSync(membershipFile(home), JSON.stringify(old));
    new Outbox(home).put(result);
    const moved = await moveTo(old, new URL(`http://127.0.0.1:${port}/`), home);
    expect(moved).toMatchObject({ id: member.id, url: `http://127.0.0.1:${port}/`, port: port + 1 });
    expect(JSON.parse(readFileSync(membershipFile(home), "utf8"))).toEqual(moved);
    expect(await sends(moved as Membership)).toBe(true);
  });

  test("another classroom at the same address is not taken for the one that was joined", async () => {
    const member = await joined("Ana");
    await room.close();
    setAside();
    await open();
    expect(await moveTo(member, new URL(member.url), home)).toBeUndefined();
  });

  test("a classroom that is open is not opened a second time, and a report reads the open one", async () => {
    saveState(room.state);
    await room.host.join("Ana", createUser().getPublicKey());
    const second = { port: await threePorts(), readOnly: true, server: () => findProgram("nats-server") };
    await expect(openClassroom(second)).rejects.toThrow(
      `This classroom is open already, at http://127.0.0.1:${port}/`,
    );
    const html = await until("the report knows her", async () => {
      const report = await writeReport({ server: second.server });
      return report.includes("Ana") && report;
    });
    expect(html).toContain("One learner");
  });
});
