// npm run doctor and npm run lock: what is said of a machine, and how the lock file is renewed.
import { readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { runDoctor } from "../../checker/cli/doctor.ts";
import { runLock } from "../../checker/cli/lock.ts";
import type { Findings } from "../../checker/nats/install/diagnosis.ts";
import { type Lock, readLock } from "../../checker/nats/install/lock.ts";
import { platformName, platforms } from "../../checker/nats/install/platform.ts";
import { programs } from "../../checker/nats/install/programs.ts";
import { captured } from "./captured.ts";
import { type Mirror, mirror, pin } from "./mirror.ts";
import { quickGo, real, type Scene, scene } from "./scene.ts";

describe("doctor", () => {
  test("on a machine with a server says which rung is used, and exits 0", async () => {
    const at = await scene();
    await symlink(real["nats-server"], join(at.path, "nats-server"));
    const { status, stdout } = await captured(() => runDoctor({}));
    expect(status).toBe(0);
    expect(stdout).toContain(`✓ Node        ${process.versions.node}`);
    expect(stdout).toMatch(/Cache +.+, writable, [\d.]+ GB free|Cache +.+\n.*free/);
    expect(stdout).toContain(`✓ PATH        ${join(at.path, "nats-server")}`);
    expect(stdout).toContain("All is well.");
  });

  test("on a bare machine says why each rung is unusable and what would mend it, and exits 3", async () => {
    await scene();
    const { status, stdout } = await captured(() => runDoctor({}));
    expect(status).toBe(3);
    expect(stdout).toContain("✗ environment NATS_SERVER_BIN is not set");
    expect(stdout).toContain("✗ go          there is no go on PATH");
    expect(stdout).toContain("→ Install Go from https://go.dev/dl/ and put it on PATH");
    expect(stdout).toContain("nats-server can neither be found nor installed.");
    expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
  });

  test.runIf(process.platform !== "win32")(
    "says which rung the first run will use, without using it",
    async () => {
      const at = await scene();
      await quickGo(at, "nats-server");
      const { status, stdout } = await captured(() => runDoctor({}));
      expect(status).toBe(0);
      expect(stdout).toContain("The first run that needs it will use: go.");
      expect(await at.installed()).toEqual([]);
    },
  );

  test("with a variable that names nothing says that no other way is tried, and exits 3", async () => {
    const at = await scene();
    await symlink(real["nats-server"], join(at.path, "nats-server"));
    vi.stubEnv("NATS_SERVER_BIN", "/nonexistent");
    const { status, stdout } = await captured(() => runDoctor({}));
    expect(status).toBe(3);
    expect(stdout).toContain("NATS_SERVER_BIN=/nonexistent does not serve");
    expect(stdout).toContain("→ unset NATS_SERVER_BIN");
    expect(stdout).toContain("No other way is tried while NATS_SERVER_BIN is set.");
  });

  test("with a cache in the way says so, for the folder and for every rung that would install", async () => {
    const at = await scene();
    await writeFile(at.cache, "a file");
    await quickGo(at, "nats-server");
    const { status, stdout } = await captured(() => runDoctor({}));
    expect(status).toBe(3);
    expect(stdout.replace(/\s+/g, " ")).toContain(`✗ Cache ${at.cache}: ${at.cache} is a file, not a folder`);
    expect(stdout).toMatch(/✗ go +the cache cannot be written/);
    expect(stdout).toContain("LEARN_NATS_CACHE");
  });

  test("as JSON is one document with every rung of every program in order", async () => {
    await scene();
    const { stdout } = await captured(() => runDoctor({ json: true }));
    const findings = JSON.parse(stdout) as Findings;
    expect(findings).toMatchObject({ version: 1, ok: false, platform: platformName(), node: { ok: true } });
    expect(findings.programs.map(({ name }) => name)).toEqual([
      "nats-server",
      "nats",
      "nats-streaming-server",
    ]);
    for (const { rungs } of findings.programs) {
      expect(rungs.map(({ source }) => source)).toEqual([
        "environment",
        "PATH",
        "cache",
        "release",
        "go",
        "package",
      ]);
    }
  });

  test("says where the checksum of a release comes from", async () => {
    const [at, from] = [await scene(), await mirror()];
    for (const name of Object.keys(programs) as (keyof typeof programs)[])
      from.publish(name, Buffer.from("x"));
    await pin(at, { "nats-server": "a".repeat(64) });
    const { programs: found } = JSON.parse(
      (await captured(() => runDoctor({ json: true }))).stdout,
    ) as Findings;
    const [server, cli] = found.map(({ rungs }) => rungs.find(({ source }) => source === "release")?.detail);
    expect(server).toContain("checksum pinned in the lock file");
    expect(cli).toContain(
      "the mirror's own SHA256SUMS is used, without TLS, so that the mirror must be trusted",
    );
  });
});

describe("the lock file", () => {
  test("names the archives as the releases do, and no checksum twice", () => {
    const sums: string[] = [];
    for (const [name, { version, archives }] of Object.entries(readLock())) {
      for (const [platform, { file, sha256 }] of Object.entries(archives)) {
        expect(file).toBe(programs[name as keyof typeof programs].archiveFile(version, platform));
        if (sha256) expect(sha256).toMatch(/^[0-9a-f]{64}$/);
        if (sha256) sums.push(sha256);
      }
    }
    expect(new Set(sums).size).toBe(sums.length);
  });

  test("is renewed from the releases' own lists: new pins are added, what is not published goes", async () => {
    const { from, file } = await renewable();
    list(from, "nats-server", { "linux-amd64": "a".repeat(64), "linux-arm64": "b".repeat(64) });
    list(from, "nats", { "darwin-arm64": "c".repeat(64) });
    list(from, "nats-streaming-server", { "windows-amd64": "d".repeat(64) });
    const { status, stdout } = await captured(() => runLock());
    expect(status).toBe(0);
    const lock = JSON.parse(await readFile(file, "utf8")) as Lock;
    expect(lock["nats-server"].archives["linux-arm64"]?.sha256).toBe("b".repeat(64));
    expect(Object.keys(lock.nats.archives)).toEqual(["darwin-arm64"]);
    expect(stdout).toContain(`nats darwin-arm64: pinned ${"c".repeat(64)}`);
    expect(stdout).toContain("nats linux-amd64: not published");
    expect((await captured(() => runLock())).stdout).toContain("The lock is up to date.");
  });

  test("moves to the newest releases when asked to", async () => {
    const { from, file } = await renewable();
    for (const name of Object.keys(programs) as (keyof typeof programs)[]) {
      const repository = programs[name].repository.split("/")[1];
      const tag = `/${repository}/releases/tag/v9.8.7`;
      from.serve(tag, "a page");
      from.serve(`/${repository}/releases/latest`, (_, response) => {
        response.writeHead(302, { location: tag }).end();
      });
      from.serve(
        `/${repository}/releases/download/v9.8.7/SHA256SUMS`,
        platforms
          .map((platform) => `${"e".repeat(64)}  ${programs[name].archiveFile("9.8.7", platform)}`)
          .join("\n"),
      );
    }
    const { stdout } = await captured(() => runLock({ latest: true }));
    expect(stdout).toMatch(/nats: \d[\d.]+ becomes 9\.8\.7/);
    const lock = JSON.parse(await readFile(file, "utf8")) as Lock;
    expect(lock["nats-server"]).toMatchObject({ version: "9.8.7" });
    expect(Object.keys(lock["nats-server"].archives)).toEqual([...platforms]);
  });

  test("is not renewed when a published archive has changed, or nothing can be read", async () => {
    const { at, from, file } = await renewable();
    await pin(at, { "nats-server": "f".repeat(64) });
    const before = await readFile(file, "utf8");
    const unreachable = await captured(() => runLock());
    expect(unreachable.error?.message).toMatch(/The lock cannot be renewed: .+SHA256SUMS answered 404/);
    list(from, "nats-server", { [platformName()]: "a".repeat(64) });
    const changed = await captured(() => runLock());
    expect(changed.error?.name).toBe("EnvironmentTrouble");
    expect(changed.error?.message).toMatch(/was pinned with sha256 f{64}, and is now published with a{64}/);
    expect(await readFile(file, "utf8")).toBe(before);
  });

  test("that LEARN_NATS_LOCK names and that cannot be read is trouble", async () => {
    const at = await scene();
    vi.stubEnv("LEARN_NATS_LOCK", join(at.folder, "missing.json"));
    const { error } = await captured(() => runDoctor({}));
    expect(error?.message).toMatch(/LEARN_NATS_LOCK=.+missing\.json cannot be used as a lock file/);
  });
});

async function renewable(): Promise<{ at: Scene; from: Mirror; file: string }> {
  const [at, from] = [await scene(), await mirror()];
  const lock = structuredClone(readLock()) as {
    [name: string]: { archives: Record<string, { sha256: string | null }> };
  };
  for (const { archives } of Object.values(lock)) {
    for (const archive of Object.values(archives)) archive.sha256 = null;
  }
  const file = join(at.folder, "lock.json");
  await writeFile(file, JSON.stringify(lock));
  vi.stubEnv("LEARN_NATS_LOCK", file);
  return { at, from, file };
}

function list(from: Mirror, name: keyof typeof programs, sums: Record<string, string>): void {
  const { version } = readLock()[name];
  const lines = Object.entries(sums).map(
    ([platform, sum]) => `${sum}  ${programs[name].archiveFile(version, platform)}`,
  );
  from.serve(from.pathOf(name, "SHA256SUMS"), `${lines.join("\n")}\n`);
}
