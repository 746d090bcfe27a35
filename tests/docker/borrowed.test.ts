// NATS_URL: checks that do a server no harm borrow an account of it; what a person has there stays, and the verdict is the same.
import { join } from "node:path";
import { connect, type NatsConnection } from "nats";
import { expect, onTestFinished, test } from "vitest";
import { root } from "../../checker/course/places.ts";
import type { Verdict } from "../../checker/grading/verdict.ts";
import { findProgram } from "../../checker/nats/install/find.ts";
import { NatsServer } from "../../checker/nats/server.ts";
import { command } from "../course/command.ts";
import { start } from "./compose.ts";

const solution = (folder: string) => join(root, "solutions", folder, "solution.ts");

async function hub(): Promise<{ url: string; as(user: string, pass: string): Promise<NatsConnection> }> {
  const { port } = await start("hub", (await findProgram("nats-server")).path);
  return {
    url: `nats://127.0.0.1:${port}`,
    as: async (user, pass) => {
      const nc = await connect({ servers: `127.0.0.1:${port}`, user, pass });
      onTestFinished(() => nc.close());
      return nc;
    },
  };
}

async function check(lesson: string, file: string, NATS_URL: string) {
  const { status, out, err } = await command(["check", lesson, "--file", file, "--json"], {
    env: { NATS_URL },
  });
  return { status, verdict: JSON.parse(out) as Verdict, said: err.replace(/\s+/g, " ") };
}

const streamsOf = async (nc: NatsConnection) =>
  (await (await nc.jetstreamManager()).streams.names().next()).sort();

test("checks that need no fault use it, the others have servers of their own, and nothing of a person is touched", async () => {
  const { url, as } = await hub();
  const admin = await as("admin", "admin");
  const mine = await (await admin.jetstreamManager()).streams.add({
    name: "PARCELS",
    subjects: ["parcel.>"],
  });
  await admin.jetstream().publish("parcel.lyon", "mine");
  // Somebody has put something into an account that is meant for checks: it is left alone.
  const first = await as("check-1", "check");
  await (await first.jetstreamManager()).streams.add({ name: "KEPT", subjects: ["kept"] });
  await first.jetstream().publish("kept", "too");

  const { status, verdict, said } = await check("lesson-07", solution("07-push-vs-pull"), url);
  expect(verdict.tests.filter((each) => each.status !== "pass")).toEqual([]);
  expect(status).toBe(0);
  const [, used, all] = /(\d+) of (\d+) checks used nats:\/\/127\.0\.0\.1/.exec(said) ?? [];
  expect(Number(used), said).toBeGreaterThan(0);
  expect(Number(used)).toBeLessThanOrEqual(Number(all));

  const { config, state } = await (await admin.jetstreamManager()).streams.info("PARCELS");
  expect(config).toEqual(mine.config);
  expect(state.messages).toBe(1);
  expect(await streamsOf(admin)).toEqual(["PARCELS"]);
  expect(await streamsOf(first)).toEqual(["KEPT"]);
  for (let no = 2; no <= 8; no++) expect(await streamsOf(await as(`check-${no}`, "check"))).toEqual([]);
  const claims = await (await (await as("claims", "claims")).jetstreamManager()).streams.info("CLAIMS");
  expect(claims.state.messages).toBe(0);
});

test("a wrong program gets the same diagnosis there", async () => {
  const { url } = await hub();
  const mistake = join(root, "solutions", "02-streams", "mistakes", "one-star.ts");
  const { verdict } = await check("lesson-02", mistake, url);
  const { verdict: usual } = await check("lesson-02", mistake, "");
  const told = ({ tests }: Verdict) =>
    tests.map(({ name, status, diagnosis }) => ({ name, status, diagnosis }));
  expect(told(verdict)).toEqual(told(usual));
});

test("a server without accounts for checks is not used, and keeps nothing of it", async () => {
  const open = await NatsServer.start(await findProgram("nats-server"), { ownAccounts: true });
  onTestFinished(() => open.close());
  const { status, said } = await check("lesson-02", solution("02-streams"), open.url);
  expect(status).toBe(0);
  expect(said).toContain("was not used, because");
  const nc = await connect({ servers: open.url });
  onTestFinished(() => nc.close());
  expect(await streamsOf(nc)).toEqual([]);
});

test("an address where nobody listens is told, and the checks go on", async () => {
  const { status, said } = await check("lesson-02", solution("02-streams"), "nats://name:secret@127.0.0.1:1");
  expect(status).toBe(0);
  expect(said).toContain("NATS_URL (nats://127.0.0.1:1) was not used, because");
  expect(said).not.toContain("secret");
});
