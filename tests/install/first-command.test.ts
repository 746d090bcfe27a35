// A newcomer's first command, on a machine with neither Go nor nats and an empty home: the server comes from a mirror.
import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { root } from "../../checker/course/places.ts";
import { realArchive, sha256 } from "./archives.ts";
import { mirror, pin } from "./mirror.ts";
import { scene } from "./scene.ts";

interface Ending {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

function command(...args: string[]): Promise<Ending> {
  return new Promise((resolve) => {
    execFile(process.execPath, [join(root, "checker", "main.mjs"), ...args], (error, stdout, stderr) =>
      resolve({ status: typeof error?.code === "number" ? error.code : 0, stdout, stderr }),
    );
  });
}

test("check installs a server from the mirror, says so on stderr, and grades on it", async () => {
  const [at, from] = [await scene(), await mirror()];
  const archive = await realArchive("nats-server");
  from.publish("nats-server", archive);
  await pin(at, { "nats-server": sha256(archive) });
  const home = join(at.folder, "home");
  await mkdir(home);
  vi.stubEnv("HOME", home);
  vi.stubEnv("LEARN_NATS_CACHE", join(home, "cache"));
  const solution = join(root, "solutions", "01-at-most-once", "solution.ts");
  const { status, stdout, stderr } = await command("check", "lesson-01", "--file", solution, "--json");
  expect(stderr).toMatch(/Downloading nats-server .+\n(.*\n)*?Installed nats-server .+\.\n/);
  expect(JSON.parse(stdout)).toMatchObject({ version: 3, status: "pass", server: { source: "release" } });
  expect(status).toBe(0);
});

test("check with a variable that names nothing exits 3, and never blames the learner", async () => {
  await scene();
  vi.stubEnv("NATS_SERVER_BIN", "/nonexistent");
  const { status, stdout } = await command("check", "lesson-01", "--json");
  expect(status).toBe(3);
  expect(JSON.parse(stdout)).toMatchObject({ version: 3, status: "error", environment: true });
  expect(stdout).toContain("NATS_SERVER_BIN=/nonexistent");
});
