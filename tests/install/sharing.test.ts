// Several runs at once, runs that are killed, and runs without a network: in processes of their own.
import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { realArchive, sha256 } from "./archives.ts";
import { startFinder } from "./finder.ts";
import { type Mirror, mirror, pin } from "./mirror.ts";
import { type Scene, scene } from "./scene.ts";

/** Before a scene narrows it. */
const realPath = process.env.PATH ?? "";

async function withMirror(): Promise<{ at: Scene; from: Mirror; archive: Buffer }> {
  const [at, from] = [await scene(), await mirror()];
  const archive = await realArchive("nats-server");
  from.publish("nats-server", archive);
  await pin(at, { "nats-server": sha256(archive) });
  return { at, from, archive };
}

/** Sends half of the archive and holds the rest back until it is told to go on. */
function holdBack(from: Mirror, archive: Buffer): () => void {
  let release = () => {};
  from.serve(from.pathOf("nats-server"), (_, response) => {
    response.writeHead(200, { "content-length": archive.length });
    response.write(archive.subarray(0, archive.length / 2));
    release = () => response.end(archive.subarray(archive.length / 2));
  });
  return () => release();
}

describe("first runs at once", () => {
  for (const count of [2, 10]) {
    test(`${count} of them share one download`, async () => {
      const { at, from, archive } = await withMirror();
      const goOn = holdBack(from, archive);
      const finders = Array.from({ length: count }, () => startFinder("nats-server"));
      // All are there before the download can end: one downloads, and every other says that it waits.
      await Promise.all(
        finders.map((finder) => Promise.race([finder.line("bytes"), finder.line("waiting")])),
      );
      goOn();
      const endings = await Promise.all(finders.map((finder) => finder.ended()));
      expect(endings.map(({ status }) => status)).toEqual(Array(count).fill(0));
      const found = endings.map(({ lines }) => lines.at(-1));
      expect(new Set(found.map((line) => line?.path)).size).toBe(1);
      expect(found.filter((line) => line?.source === "release")).toHaveLength(1);
      expect(found.filter((line) => line?.source === "cache")).toHaveLength(count - 1);
      expect(from.asked).toEqual([`GET ${from.pathOf("nats-server")}`]);
      expect(await at.leftovers()).toEqual([]);
    });
  }
});

describe.runIf(process.platform !== "win32")("a run that is killed with SIGKILL", () => {
  test("in the middle of its download leaves nothing that is taken for a server, and the next run installs", async () => {
    const { at, from, archive } = await withMirror();
    holdBack(from, archive);
    const killed = startFinder("nats-server");
    await killed.line("bytes");
    killed.child.kill("SIGKILL");
    await killed.ended();
    expect(await at.installed()).toEqual([]);
    from.publish("nats-server", archive);
    const next = await startFinder("nats-server").ended();
    expect(next.lines.at(-1)).toMatchObject({ kind: "found", source: "release" });
    expect(await at.leftovers()).toEqual([]);
  });

  test("lets a run that waits for it take over", async () => {
    const { at, from, archive } = await withMirror();
    holdBack(from, archive);
    const killed = startFinder("nats-server");
    await killed.line("bytes");
    const waiting = startFinder("nats-server");
    await waiting.line("waiting");
    from.publish("nats-server", archive);
    killed.child.kill("SIGKILL");
    const { lines } = await waiting.ended();
    expect(lines.at(-1)).toMatchObject({ kind: "found", source: "release" });
    expect(await at.leftovers()).toEqual([]);
  });

  test("or frozen while another overtakes it, does no harm when it wakes", async () => {
    const { at, from, archive } = await withMirror();
    const goOn = holdBack(from, archive);
    const frozen = startFinder("nats-server");
    await frozen.line("bytes");
    frozen.child.kill("SIGSTOP");
    from.publish("nats-server", archive);
    const overtaking = await startFinder("nats-server").ended();
    expect(overtaking.lines.at(-1)).toMatchObject({ kind: "found", source: "release" });
    frozen.child.kill("SIGCONT");
    goOn();
    const woken = await frozen.ended();
    expect(woken.lines.at(-1)).toMatchObject({ kind: "found", path: overtaking.lines.at(-1)?.path });
    expect(await at.leftovers()).toEqual([]);
  });
});

describe.runIf(process.platform === "linux")("with the network really off", () => {
  const offline = ["unshare", "-n"];
  const permitted = spawnSync("unshare", ["-n", "true"]).status === 0;
  const unshare = permitted
    ? [execFileSync("which", ["unshare"], { encoding: "utf8" }).trim(), "-n"]
    : offline;

  test.runIf(permitted)("a cached server is found at once", async () => {
    const { from } = await withMirror();
    await startFinder("nats-server").ended();
    from.asked.length = 0;
    const { lines } = await startFinder("nats-server", unshare).ended();
    expect(lines).toMatchObject([{ kind: "found", source: "cache" }]);
  });

  test.runIf(permitted)("every rung fails within seconds, and says why", async () => {
    const at = await scene();
    vi.stubEnv("NATS_DOWNLOAD_MIRROR", undefined);
    const begun = performance.now();
    const { lines, status } = await startFinder("nats-server", unshare).ended();
    expect(performance.now() - begun).toBeLessThan(4_000);
    expect(status).toBe(3);
    expect(lines.at(-1)?.message).toMatch(/release: +github\.com (is|cannot be) .*no network/);
    expect(await at.installed()).toEqual([]);
  });

  test.runIf(permitted)("go install is refused at once when its proxy cannot be reached", async () => {
    const at = await scene();
    const go = spawnSync("/bin/sh", ["-c", "command -v go"], {
      env: { PATH: realPath },
      encoding: "utf8",
    }).stdout.trim();
    if (!go) return;
    vi.stubEnv("PATH", join(go, ".."));
    vi.stubEnv("GOPROXY", undefined);
    const { lines } = await startFinder("nats-streaming-server", unshare).ended();
    expect(lines.at(-1)?.message).toMatch(/go: +Go's module proxy proxy\.golang\.org cannot be reached/);
    expect(await at.leftovers()).toEqual([]);
  });

  test.skipIf(permitted)("not tested, because this machine does not permit a network namespace", () => {});
});
