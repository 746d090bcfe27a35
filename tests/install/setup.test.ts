// npm run setup: everything for all lessons, from the network or from a bundle, and then without a network.
import { spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { runSetup } from "../../checker/cli/setup.ts";
import { root } from "../../checker/course/places.ts";
import type { Manifest } from "../../checker/nats/install/bundle.ts";
import { findProgram, type ProgramName } from "../../checker/nats/install/find.ts";
import { readLock } from "../../checker/nats/install/lock.ts";
import { platformName } from "../../checker/nats/install/platform.ts";
import { fileName } from "../../checker/nats/install/programs.ts";
import { realArchive, sha256, tarGz } from "./archives.ts";
import { captured } from "./captured.ts";
import { startFinder } from "./finder.ts";
import { mirror, pin } from "./mirror.ts";
import { real, type Scene, scene } from "./scene.ts";

const names = Object.keys(real) as ProgramName[];

async function withEverything(): Promise<Scene> {
  const [at, from] = [await scene(), await mirror()];
  const pins: Partial<Record<ProgramName, string>> = {};
  for (const name of names) {
    const archive = await realArchive(name);
    from.publish(name, archive);
    pins[name] = sha256(archive);
  }
  await pin(at, pins);
  return at;
}

test("brings all programs, says the sizes first, and then works with the network off", async () => {
  await withEverything();
  const { status, stdout, stderr } = await captured(() => runSetup({}));
  expect(status).toBe(0);
  expect(stdout).toMatch(/nats-server .*: about \d+ MB to download, \d+ MB on disk/);
  expect(stdout).toMatch(/About \d+ MB to bring/);
  for (const name of names) {
    expect(stderr).toContain(`Downloading ${name} ${readLock()[name].version} (about`);
    expect(stderr).toContain(`Installed ${name} ${readLock()[name].version}.`);
    expect((await findProgram(name, { install: false })).source).toBe("cache");
  }
  if (spawnSync("/usr/bin/unshare", ["-n", "/bin/true"]).status === 0) {
    for (const name of names) {
      const { lines } = await startFinder(name, ["/usr/bin/unshare", "-n"]).ended();
      expect(lines).toMatchObject([{ kind: "found", source: "cache" }]);
    }
  }
  const again = await captured(() => runSetup({}));
  expect(again).toMatchObject({ status: 0, stderr: "" });
});

test("brings what it can when one program cannot be had, and ends as trouble that says which", async () => {
  const [at, from] = [await scene(), await mirror()];
  from.publish("nats-server", await realArchive("nats-server"));
  await pin(at, {});
  const { error, stderr } = await captured(() => runSetup({}));
  expect(error?.name).toBe("EnvironmentTrouble");
  expect(error?.message).toContain("No nats can be found or installed");
  expect(error?.message).toContain("No nats-streaming-server can be found or installed");
  expect(stderr).toMatch(/That did not work: no checksum is pinned for .+\n?.* answered\n? ?404/);
  expect(await at.installed()).toEqual([`nats-server-${readLock()["nats-server"].version}`]);
});

describe("a bundle", () => {
  test("written on one machine installs everything on another that has no network", async () => {
    const at = await withEverything();
    const file = join(at.folder, "course.tgz");
    const written = await captured(() => runSetup({ bundle: file }));
    expect(written.status).toBe(0);
    expect(written.stdout).toContain(`npm run setup -- --from ${file}`);

    vi.stubEnv("LEARN_NATS_CACHE", join(at.folder, "another"));
    vi.stubEnv("NATS_DOWNLOAD_MIRROR", "http://127.0.0.1:1");
    const installed = await captured(() => runSetup({ from: file }));
    expect(installed).toMatchObject({ status: 0, stderr: "" });
    for (const name of names) {
      expect(installed.stdout).toContain(`${name} ${readLock()[name].version} installed`);
      expect(await findProgram(name, { install: false })).toMatchObject({ source: "cache" });
    }
    const again = await captured(() => runSetup({ from: file }));
    expect(again.stdout).toContain("was here already");
  });

  // Windows ends a process at once, without asking it.
  const withSignals = test.skipIf(process.platform === "win32");
  withSignals(
    "that is interrupted leaves nothing behind, neither there nor in the temporary folder",
    async () => {
      const at = await scene();
      const [there, temporary] = [join(at.folder, "there"), join(at.folder, "temporary")];
      for (const folder of [there, temporary]) await mkdir(folder);
      const setup = spawn(
        process.execPath,
        [join(root, "checker", "main.mjs"), "setup", "--bundle", join(there, "nats.tgz")],
        // The person's own cache, which has everything.
        { env: { ...process.env, LEARN_NATS_CACHE: undefined, TMPDIR: temporary }, stdio: "ignore" },
      );
      onTestFinished(() => void setup.kill("SIGKILL"));
      const ended = once(setup, "exit");
      await vi.waitFor(
        async () => expect(await readdir(there)).toEqual([expect.stringMatching(/^nats\.tgz\.\d+\.part$/)]),
        { timeout: 60_000, interval: 5 },
      );
      expect(await readdir(temporary)).toEqual([expect.stringMatching(/^learn-nats-bundle-/)]);
      setup.kill("SIGINT");
      expect(await ended).toEqual([130, null]);
      expect([await readdir(there), await readdir(temporary)]).toEqual([[], []]);
    },
  );

  test("does not overwrite a file, and wants a folder that exists", async () => {
    const at = await scene();
    const file = join(at.folder, "precious.txt");
    await writeFile(file, "precious");
    const { error } = await captured(() => runSetup({ bundle: file }));
    expect(error).toMatchObject({ name: "UsageError", message: `${file} exists already.` });
    expect(await readFile(file, "utf8")).toBe("precious");
    const nowhere = await captured(() => runSetup({ bundle: join(at.folder, "no", "where.tgz") }));
    expect(nowhere.error?.name).toBe("UsageError");
  });

  test("that is not there is wrong usage, and so is one for another platform, or both flags", async () => {
    const at = await scene();
    const missing = await captured(() => runSetup({ from: join(at.folder, "missing.tgz") }));
    expect(missing.error?.name).toBe("UsageError");
    expect(missing.error?.message).toContain("missing.tgz");
    const folder = await captured(() => runSetup({ from: at.folder }));
    expect(folder.error?.name).toBe("UsageError");
    const foreign = await bundleOf(at, { platform: "plan9-mips" });
    const other = await captured(() => runSetup({ from: foreign }));
    expect(other.error).toMatchObject({
      name: "UsageError",
      message: `${foreign} was made for plan9-mips, and this machine is ${platformName()}.`,
    });
    const both = await captured(() => runSetup({ from: foreign, bundle: foreign }));
    expect(both.error?.name).toBe("UsageError");
  });

  test("with a changed binary is refused, and nothing is installed from it", async () => {
    const at = await scene();
    const file = await bundleOf(at, { sha256: "0".repeat(64) });
    const { error } = await captured(() => runSetup({ from: file }));
    expect(error?.name).toBe("EnvironmentTrouble");
    expect(error?.message).toMatch(/its nats-server has the sha256 [0-9a-f]{64} instead of 0{64}/);
    expect(await at.installed()).toEqual([]);
    expect(await at.leftovers()).toEqual([]);
  });

  test("that is cut short, or something else altogether, is trouble in one sentence", async () => {
    const at = await scene();
    const whole = await bundleOf(at, {});
    const cut = join(at.folder, "cut.tgz");
    await writeFile(cut, (await readFile(whole)).subarray(0, 30_000));
    const damaged = await captured(() => runSetup({ from: cut }));
    expect(damaged.error).toMatchObject({ name: "EnvironmentTrouble" });
    expect(damaged.error?.message).toMatch(/cut\.tgz cannot be installed from: the archive is damaged/);
    const strange = join(at.folder, "strange.tgz");
    await writeFile(strange, "hello");
    const other = await captured(() => runSetup({ from: strange }));
    expect(other.error?.message).toContain("neither a tar.gz nor a zip");
    const evil = await bundleOf(at, { version: "../../../../escaped" });
    const refused = await captured(() => runSetup({ from: evil }));
    expect(refused.error?.message).toContain("no bundle of this course");
    await expect(stat(join(at.folder, "escaped"))).rejects.toThrow();
  });
});

/** A bundle that holds a nats-server, with something in its manifest changed. */
async function bundleOf(
  at: Scene,
  { platform = platformName(), ...changed }: { platform?: string; sha256?: string; version?: string },
): Promise<string> {
  const { version } = readLock()["nats-server"];
  // Random, so that it cannot be compressed and a cut goes through its middle.
  const binary = Buffer.concat([
    Buffer.from(`#!/bin/sh\necho nats-server: v${version}; exit\n`),
    randomBytes(50_000),
  ]);
  const program = {
    name: "nats-server",
    version,
    file: fileName("nats-server"),
    sha256: sha256(binary),
    ...changed,
  } as const;
  const manifest: Manifest = { format: 1, platform, programs: [program] };
  const file = join(at.folder, `bundle-${Object.keys(changed).join("-")}-${platform}.tgz`);
  const entries = [
    { path: "manifest.json", content: Buffer.from(JSON.stringify(manifest)) },
    { path: fileName("nats-server"), content: binary },
  ];
  await writeFile(file, tarGz(entries));
  return file;
}
