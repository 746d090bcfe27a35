// npm run nats: the real CLI, with contexts of the course's own; a person's stay as they are.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { contextFolder } from "../../checker/nats/cli.ts";
import { isFree, labPort } from "../../checker/nats/port.ts";
import { command } from "../course/command.ts";
import { emptyHome, somePort, startLab } from "./lab-command.ts";

test("saves contexts in the course's folder, and uses them", async () => {
  const { home, env } = emptyHome();
  const own = join(home, ".config", "nats", "context");
  mkdirSync(own, { recursive: true });
  writeFileSync(join(own, "work.json"), '{"url":"nats://127.0.0.1:1"}');
  const options = { env: { ...env, NATS_CONTEXT: "work" }, extendEnv: false };
  const lab = await startLab("lesson-02", ["--port", String(await somePort())]);
  const name = `test-${process.pid}`;
  const save = ["nats", "context", "save", name, "--user=admin", "--password=admin", `--server=${lab.url}`];
  expect(await command(save, options)).toMatchObject({ status: 0 });
  expect(existsSync(join(contextFolder, "nats", "context", `${name}.json`))).toBe(true);
  const report = await command(["nats", "--context", name, "stream", "report"], options);
  expect(report).toMatchObject({ status: 0 });
  expect(report.out).toContain("POSITIONS");
  expect(await command(["nats", "context", "rm", name, "--force"], options)).toMatchObject({ status: 0 });
  expect(readdirSync(own)).toEqual(["work.json"]);
  expect(readFileSync(join(own, "work.json"), "utf8")).toBe('{"url":"nats://127.0.0.1:1"}');
});

test("passes flags, help and the exit status through", async () => {
  const help = await command(["nats", "trace", "--help"]);
  expect(help).toMatchObject({ status: 0 });
  expect(help.out).toContain("--deliver");
  expect((await command(["nats", "--version"])).out).toMatch(/^v?\d+\.\d+/);
  expect((await command(["nats", "pub", "a", "b", "-s", "nats://127.0.0.1:1"])).status).toBe(1);
});

test.skipIf(!(await isFree(labPort)))(
  "says where the lab is to be started, when nobody listens there",
  async () => {
    const { env } = emptyHome();
    const { status, err } = await command(
      ["nats", "--server", `nats://127.0.0.1:${labPort}`, "stream", "ls"],
      {
        env,
      },
    );
    expect(status).toBe(1);
    expect(err.replace(/\s+/g, " ")).toContain("`npm run lab lesson-08` starts it");
    expect((await command(["nats", "stream", "ls", "-s", "nats://127.0.0.1:1"], { env })).err).not.toContain(
      "npm run lab",
    );
  },
);
