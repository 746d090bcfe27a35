// Lesson 08's solution, and what it gives to the learner, in cases that its checks leave out: they are not what the lesson is about. And
// what the kit says of filters, beside it.
import { AckPolicy, connect } from "nats";
import semver from "semver";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { subjectMatches } from "../../checker/kit/subjects.ts";
import { findProgram } from "../../checker/nats/install/find.ts";
import { reapAll } from "../../checker/nats/reaper.ts";
import { NatsServer } from "../../checker/nats/server.ts";
import { passes, traceMessage } from "../../solutions/08-nats-box-tracing/solution.ts";

afterAll(reapAll);

test.each([
  ["parcel.*.scanned", "parcel.lyon.scanned", true],
  ["parcel.*.scanned", "parcel.lyon.loaded", false],
  ["parcel.*.scanned", "parcel.scanned", false],
  ["parcel.*", "parcel.lyon.scanned", false],
  ["parcel.>", "parcel.lyon.scanned", true],
  ["parcel.>", "parcel", false],
  ["parcel.*.>", "parcel.lyon", false],
  [">", "parcel", true],
  ["*", "parcel", true],
  ["parcel", "parcels", false],
  ["$KV.>", "$KV.towns.lyon", true],
  ["a+b.(c).*", "a+b.(c).d", true],
  ["a+b", "aab", false],
])("the filter %s lets %s pass: %s", (filter, subject, expected) => {
  expect(passes(filter, subject)).toBe(expected);
  expect(subjectMatches(filter, subject)).toBe(expected);
});

test("a consumer whose limit is -1 has none, and is not full", async (context) => {
  const program = await findProgram("nats-server");
  if (semver.lt(program.version, "2.11.0"))
    context.skip(`nats-server ${program.version} has no message traces`);
  const server = await NatsServer.start(program);
  const nc = await connect({ servers: server.url, ...server.user });
  onTestFinished(async () => {
    await nc.close();
    await server.close();
  });
  const jsm = await nc.jetstreamManager();
  await jsm.streams.add({ name: "DEPOT", subjects: ["depot.>"] });
  const consumer = (durable_name: string, max_ack_pending: number) =>
    jsm.consumers.add("DEPOT", { durable_name, ack_policy: AckPolicy.Explicit, max_ack_pending });
  await consumer("free", -1);
  await consumer("narrow", 1);
  await nc.jetstream().publish("depot.lyon", "P-1");
  for (const name of ["free", "narrow"])
    expect((await (await nc.jetstream().consumers.get("DEPOT", name)).next())?.string()).toBe("P-1");
  expect(await traceMessage(nc, "depot.lyon", "P-2")).toMatchObject({
    stream: "DEPOT",
    consumers: { free: "waiting", narrow: "full" },
  });
});
