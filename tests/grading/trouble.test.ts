// Trouble of the machine is told as that, with exit status 3: it is never the learner's failure.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, describe, expect, test } from "vitest";
import { root } from "../../checker/course/places.ts";
import { findProgram } from "../../checker/nats/install/find.ts";

const folder = mkdtempSync(join(tmpdir(), "learn-nats-test-trouble-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const { path: real } = await findProgram("nats-server");

/** A nats-server that says its version and then does this. */
function server(name: string, does: string): string {
  const file = join(folder, name);
  writeFileSync(file, `#!/bin/sh\n[ "$1" = --version ] && exec "${real}" --version\n${does}\n`);
  chmodSync(file, 0o755);
  return file;
}

async function check(serverFile: string) {
  const solution = join(root, "solutions", "01-at-most-once", "solution.ts");
  const { exitCode, stdout, stderr } = await execa(
    process.execPath,
    [join(root, "checker", "main.mjs"), "check", "lesson-01", "--file", solution, "--json"],
    { cwd: root, reject: false, env: { NATS_SERVER_BIN: serverFile, TMPDIR: folder } },
  );
  return { exitCode, verdict: JSON.parse(stdout), stderr: stderr.replace(/\s+/g, " ") };
}

describe.skipIf(process.platform === "win32")("trouble with the server", () => {
  test("a server that does not start is no failure of the program", async () => {
    const { exitCode, verdict, stderr } = await check(server("ends", 'echo "[1] no room" >&2; exit 1'));
    expect(exitCode).toBe(3);
    expect(verdict).toMatchObject({ status: "error", environment: true });
    expect(stderr).toMatch(/did not start: .*no room/);
  });

  test("a server that ends by itself in the middle of the checks is no failure of the program", async () => {
    const file = server("dies", `(sleep 0.3; kill -9 $$) >/dev/null 2>&1 & exec "${real}" "$@"`);
    const { exitCode, verdict, stderr } = await check(file);
    expect(exitCode).toBe(3);
    expect(verdict).toMatchObject({ status: "error", environment: true });
    // On a slow machine it ends before it was ready.
    expect(stderr).toMatch(/ended by itself in the middle of a check \(SIGKILL\)|did not start/);
  });
});
