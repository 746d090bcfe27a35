// Lesson 08 has another scene for each learner: the solution finds out any of them, and findings are worth nothing in another one.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { root } from "../../checker/course/places.ts";
import type { Verdict } from "../../checker/grading/verdict.ts";
import { randomFrom } from "../../checker/kit/random.ts";
import { plan } from "../../lessons/08-nats-box-tracing/lab.ts";
import { command } from "../course/command.ts";

const folder = mkdtempSync(join(tmpdir(), "findings-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const solution = join(root, "solutions", "08-nats-box-tracing", "solution.ts");
/** Each takes some seconds; `LAB_SEEDS=20 npm test` tries more of them. */
const seeds = Array.from({ length: Number(process.env.LAB_SEEDS ?? 2) }, (_, i) => 1_001 + 37 * i);

async function check(file: string, env: Record<string, string>): Promise<Verdict & { exit: number }> {
  const { status, out, err } = await command(["check", "lesson-08", "--file", file, "--json"], { env });
  expect(err).toBe("");
  return { ...(JSON.parse(out) as Verdict), exit: status };
}

/** An exercise whose findings are plain values, as a learner writes them down. */
function written(name: string, seed: number, hub = `hub-${seed}`): string {
  const file = join(folder, `${name}.ts`);
  const values = JSON.stringify({ hub, ...plan(randomFrom(seed)).faults }, null, 2);
  writeFileSync(
    file,
    [
      `import type { Findings } from ${JSON.stringify(solution)};`,
      `export { passes, saveContext, traceMessage } from ${JSON.stringify(solution)};`,
      `export async function findings(): Promise<Findings> { return ${values}; }`,
    ].join("\n"),
  );
  return file;
}

const failures = ({ tests }: Verdict) => tests.filter((each) => each.status !== "pass");

test.each(seeds)("the solution finds everything in lab %i", async (seed) => {
  const verdict = await check(solution, { LEARN_NATS_LAB_SEED: String(seed) });
  expect(failures(verdict)).toEqual([]);
  expect(verdict.exit).toBe(0);
});

test("no two labs have the same faults", () => {
  const all = Array.from({ length: 200 }, (_, i) => JSON.stringify(plan(randomFrom(1_000 + i)).faults));
  expect(new Set(all).size).toBe(all.length);
});

test("findings that are plain values pass in the lab that they come from", async () => {
  const verdict = await check(written("own", 4_711), { LEARN_NATS_LAB_SEED: "4711" });
  expect(failures(verdict)).toEqual([]);
});

test.each([
  ["of another lab", written("other", 4_711)],
  ["of another lab, with the hub's name changed", written("forged", 4_711, "hub-4712")],
])("findings %s fail, and the diagnosis says so", async (_, file) => {
  const verdict = await check(file, { LEARN_NATS_LAB_SEED: "4712" });
  expect(verdict.exit).toBe(1);
  const diagnosed = verdict.tests.filter((each) => each.diagnosis);
  expect(diagnosed.map((each) => each.diagnosis)).toEqual(["another-lab"]);
  expect(failures(verdict).length).toBe(7);
});

test("without the nats CLI exactly the check that needs it is skipped, and says what to install", async () => {
  const verdict = await check(solution, { NATS_CLI_BIN: join(folder, "no-such-nats") });
  const skipped = verdict.tests.filter((each) => each.status === "skip");
  expect(skipped.map((each) => each.name)).toEqual(["the saved context works without any flags"]);
  expect(skipped[0]?.message).toMatch(/npm run setup/);
  expect(failures(verdict)).toEqual(skipped);
  expect(verdict).toMatchObject({ exit: 0, status: "pass" });
});

/** A server from before 2.11, such as a distribution's. */
const old = process.env.NATS_SERVER_OLD_BIN;

test.skipIf(!old)("with a server older than 2.11 exactly the checks that trace are skipped", async () => {
  const verdict = await check(solution, { NATS_SERVER_BIN: old as string });
  const skipped = verdict.tests.filter((each) => each.status === "skip");
  expect(skipped.map((each) => each.name)).toEqual([
    "the member that answers nothing is found",
    "the lost parcel is found",
    "a trace tells which stream, subscribers and consumers a message reached",
    "a stream that refuses a message is told in the server's words",
    "a message that nobody wants has an empty route",
  ]);
  for (const { message } of skipped)
    expect(message).toMatch(/needs nats-server 2\.11\.0 or newer.*NATS_SERVER_BIN/);
  expect(failures(verdict)).toEqual(skipped);
});
