// The lessons hold on old and new servers: every solution passes on each, and a check that a server cannot show says which one it needs.
// The short form of `npm run soak -- --times 1 --server PATH`, which grades alternatives and mistakes, too.
import { afterAll, describe, expect, test } from "vitest";
import { serverLacks } from "../../checker/bench/soaking.ts";
import { allLessons } from "../../checker/course/lessons.ts";
import { referenceFile } from "../../checker/course/starter.ts";
import { findProgram } from "../../checker/nats/install/find.ts";
import { readLock } from "../../checker/nats/install/lock.ts";
import { programs } from "../../checker/nats/install/programs.ts";
import { WarmGraders } from "../../checker/watch/warm-graders.ts";
import { serverOf } from "./servers.ts";

/** The oldest that the course allows, the one it is made for, and the newest that it was tried on. */
const versions = [programs["nats-server"].minimum, readLock()["nats-server"].version, "2.15.2"];

/** Checks that a version cannot show, by the oldest version that can. */
const lacking: Readonly<Record<string, readonly string[]>> = {
  "2.9.10": [
    "a server that is busy gets everything in the end",
    // Message tracing came with 2.11.
    "the member that answers nothing is found",
    "the lost parcel is found",
    "a trace tells which stream, subscribers and consumers a message reached",
    "a stream that refuses a message is told in the server's words",
    "a message that nobody wants has an empty route",
    // It counts what is left for a consumer wrongly at times.
    "a count goes on where the last one ended",
    "a count ends with the last event of the depot",
    "a count survives a broken line, and a power cut",
    "a history with a hole is an error, not a number",
    // In its clusters these do not end in time.
    "a new stream has all its scans when a node is gone",
    "an old stream gets its copies, and they are complete",
    "scans wait until the hub has a majority again",
    "a scan is stored once when its leader goes before it answers",
    "scans are stored once while nodes are frozen",
    "a worker goes on without its leader, and without its node",
  ],
};

// The server that all other tests use has graded everything already.
const { version: inUse } = await findProgram("nats-server");

describe.each(versions.filter((version) => version !== inUse))("nats-server %s", async (version) => {
  const server = await serverOf(version);
  const graders = new WarmGraders("reason" in server ? undefined : server);
  afterAll(() => graders.close());
  if ("reason" in server)
    console.warn(`The lessons are not tried on nats-server ${version}:\n${server.reason}`);

  test.for(allLessons())("passes the solution of $id", async (lesson, context) => {
    if ("reason" in server) return context.skip(`no nats-server ${version}: ${server.reason}`);
    const verdict = await graders.graded(lesson, referenceFile(lesson));
    expect(verdict).toMatchObject({ status: "pass", typeErrors: [], server: { version } });
    for (const check of verdict.tests.filter(({ status }) => status !== "pass")) {
      expect(serverLacks(check, verdict), `${check.name}: ${check.message}`).toBe(true);
      expect(check.message).toContain(` is ${version}`);
      expect(lacking[version] ?? []).toContain(check.name);
    }
  });
});
