// What the lines of a timeline say, for runs on a real server: publishes and requests, what a fault let go, drained subscriptions, JSON.
import { connect, createInbox, headers, type NatsConnection } from "nats";
import semver from "semver";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findProgram } from "../../checker/nats/install/find.ts";
import { NatsServer } from "../../checker/nats/server.ts";
import { is } from "../../checker/wire/events.ts";
import { Journal } from "../../checker/wire/journal.ts";
import { Relay } from "../../checker/wire/relay.ts";
import { timelineOf } from "../../checker/wire/timeline/model.ts";

let server: NatsServer;

beforeAll(async () => {
  server = await NatsServer.start(await findProgram("nats-server"));
});

afterAll(() => server.close());

interface Played {
  readonly relay: Relay;
  readonly journal: Journal;
  open(name: string): Promise<NatsConnection>;
}

/** The labels of what was played, and the lanes. */
async function labels(play: (scene: Played) => Promise<void>): Promise<{ says: string[]; lanes: string[] }> {
  const journal = new Journal();
  const target = () => ({ host: server.host, port: server.port });
  const relay = await Relay.listen({ journal, target });
  const open = (name: string) => connect({ servers: `127.0.0.1:${relay.port}`, ...server.user, name });
  try {
    await play({ relay, journal, open });
  } finally {
    await relay.close();
  }
  const { moments, lanes } = timelineOf(journal, { title: "labels" });
  return { says: moments.map(({ label }) => label), lanes: lanes.map(({ title }) => title) };
}

describe("a publish that waits for an answer", () => {
  test("is a request for a colleague, and a publish for a stream", async () => {
    const { says } = await labels(async ({ open, relay }) => {
      const nc = await open("hub");
      await (await nc.jetstreamManager()).streams.add({ name: "LABELS", subjects: ["label.*"] });
      const js = nc.jetstream();
      const lost = relay.hold(is("puback"), { mode: "drop", limit: 1 });
      await js.publish("label.a", "1", { timeout: 100 }).catch(() => {});
      lost.release();
      await js.publish("label.a", "1", { msgID: "one" });
      await js.publish("nobody.takes", "2").catch(() => {});
      const asking = await open("asking");
      await asking.request("nobody.answers", "3", { timeout: 100 }).catch(() => {});
      await Promise.all([nc.close(), asking.close()]);
    });
    expect(says).toContain('publish label.a "1"');
    expect(says).toContain('publish nobody.takes "2"');
    expect(says).toContain('request nobody.answers "3"');
    expect(says.join("\n")).not.toMatch(/request (label|nobody\.takes)/);
  });
});

describe("a fault that ends", () => {
  test("says how many messages go on", async () => {
    const { says } = await labels(async ({ open, relay }) => {
      const [slow, quick] = [await open("slow"), await open("quick")];
      const hold = relay.hold(is("publish"), { who: "slow", what: "what it sends" });
      for (const no of [1, 2, 3]) slow.publish("scan", String(no));
      quick.publish("scan", "4");
      await Promise.all([slow.flush(), quick.flush()]);
      hold.release();
      await Promise.all([slow.close(), quick.close()]);
    });
    expect(says).toContain("network free again: slow (what it sends), 3 messages go on");
  });
});

describe("a subscription that is drained", () => {
  test("ends once, though the client says it twice", async () => {
    const { says } = await labels(async ({ open }) => {
      const nc = await open("board");
      nc.subscribe("scan.*", { callback: () => {} });
      await nc.drain();
    });
    expect(says.filter((label) => label === "unsubscribe scan.*")).toHaveLength(1);
  });
});

describe("a payload of JSON", () => {
  test("is shown by what tells it from the others", async () => {
    const { says } = await labels(async ({ open }) => {
      const nc = await open("scanner");
      for (const no of [1, 2])
        nc.publish("scan", JSON.stringify({ scanner: "S-7", day: "2026-03-02", no, event: "in" }));
      nc.publish("other", "{not json, though it begins like it}");
      await nc.flush();
      await nc.close();
    });
    expect(says).toContain("publish scan {no:1,…}");
    expect(says).toContain("publish scan {no:2,…}");
    expect(says.some((label) => label.startsWith("publish other {notjson"))).toBe(true);
  });
});

describe("an ordered consumer", () => {
  test("is called by its lane, and its filter is a subject", async () => {
    const { says, lanes } = await labels(async ({ open }) => {
      const nc = await open("reader 2");
      await (await nc.jetstreamManager()).streams.add({ name: "SCANS", subjects: ["parcel.*.*"] });
      await nc.jetstream().publish("parcel.ams.in", "1");
      const first = await open("reader 1");
      const consumer = await first.jetstream().consumers.get("SCANS", { filterSubjects: "parcel.ams.*" });
      await consumer.next({ expires: 5_000 });
      await Promise.all([nc.close(), first.close()]);
    });
    expect(says).toContain("CONSUMER.CREATE SCANS consumer 1 parcel.ams.*");
    expect(lanes).toContain("consumer 1");
  });
});

describe("clients that are counted", () => {
  test("stand in the order of their numbers", async () => {
    const { lanes } = await labels(async ({ open }) => {
      for (const name of ["van 10", "depot", "van 2"]) {
        const nc = await open(name);
        nc.publish("scan", "1");
        await nc.flush();
        await nc.close();
      }
    });
    expect(lanes).toEqual(["van 2", "van 10", "depot", "server"]);
  });
});

test("a traced message says so, and the report's random subject is not shown", async (context) => {
  if (semver.lt(server.program.version, "2.11.0")) return context.skip("message tracing came with 2.11");
  const { says } = await labels(async ({ open }) => {
    const nc = await open("tracer");
    const destination = createInbox();
    const report = nc.subscribe(destination, { max: 1 });
    const traced = headers();
    traced.set("Nats-Trace-Dest", destination);
    nc.publish("parcel.ams", "P-1", { headers: traced });
    for await (const _ of report);
    await nc.close();
  });
  expect(says).toEqual(
    expect.arrayContaining([
      "subscribe to the trace",
      'publish parcel.ams "P-1", to be traced',
      "report of the trace",
    ]),
  );
  expect(says.join("\n")).not.toContain("_INBOX");
});
