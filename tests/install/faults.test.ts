// The download rung's fault table: whatever the network and the disk do, nothing broken stays in the cache, the reason
// is said, and the next rung serves.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { findProgram, type ProgramName } from "../../checker/nats/install/find.ts";
import { readLock } from "../../checker/nats/install/lock.ts";
import type { Limits } from "../../checker/nats/install/rungs/rung.ts";
import { archiveName, archiveOf, type Entry, realArchive, sha256, tarGz, zip } from "./archives.ts";
import { type Mirror, mirror, pin } from "./mirror.ts";
import { quickGo, type Scene, scene } from "./scene.ts";

const posix = process.platform !== "win32";

/** The release fails with this reason; the next rung serves, and the cache holds what it brought and nothing else. */
async function nextRungServes(
  at: Scene,
  reason: RegExp,
  { name = "nats-server", limits = {} }: { name?: ProgramName; limits?: Partial<Limits> } = {},
): Promise<void> {
  await quickGo(at, name);
  const found = await findProgram(name, { onProgress: at.onProgress, limits });
  expect(at.releaseFailure()).toMatch(reason);
  expect(at.releaseFailure()).not.toContain("\n");
  expect(found.source).toBe("go");
  expect(execFileSync(found.path, ["--version"], { encoding: "utf8" })).toContain(found.version);
  expect(await at.installed()).toEqual([`${name}-${found.version}`]);
  expect(await at.leftovers()).toEqual([]);
}

async function publishReal(at: Scene, from: Mirror): Promise<Buffer> {
  const archive = await realArchive("nats-server");
  from.publish("nats-server", archive);
  await pin(at, { "nats-server": sha256(archive) });
  return archive;
}

describe.runIf(posix)("a release that cannot be had leaves nothing broken, and the next rung serves", () => {
  // On an idle machine two seconds at most; a busy one is late, and without a bound it would be minutes.
  const atOnceMs = 4_000;

  test("no network: nobody answers", async () => {
    const at = await scene();
    const begun = performance.now();
    await nextRungServes(at, /^127\.0\.0\.1:1 refuses the connection$/);
    expect(performance.now() - begun).toBeLessThan(atOnceMs);
  });

  test.runIf(process.platform === "linux")("no network: packets vanish", async () => {
    const at = await scene();
    vi.stubEnv("NATS_DOWNLOAD_MIRROR", `http://127.0.0.1:${await blackHole()}`);
    const begun = performance.now();
    await nextRungServes(at, /did not take the connection in time/);
    expect(performance.now() - begun).toBeLessThan(atOnceMs);
  });

  test("a wrong checksum", async () => {
    const [at, from] = [await scene(), await mirror()];
    from.publish("nats-server", await realArchive("nats-server"));
    await pin(at, { "nats-server": "0".repeat(64) });
    await nextRungServes(at, /has the sha256 [0-9a-f]{64} instead of 0{64}/);
  });

  test("a truncated archive: the connection ends before the last byte", async () => {
    const [at, from] = [await scene(), await mirror()];
    const archive = await publishReal(at, from);
    from.serve(from.pathOf("nats-server"), (_, response) => {
      response.writeHead(200, { "content-length": archive.length });
      response.write(archive.subarray(0, 1_000_000), () => response.destroy());
    });
    await nextRungServes(at, /broke the connection off after \d+ of \d+ bytes/);
  });

  test("a truncated archive: the mirror itself holds only half, and lists its checksum", async () => {
    const [at, from] = [await scene(), await mirror()];
    const archive = await realArchive("nats-server");
    from.publish("nats-server", archive.subarray(0, archive.length / 2));
    await pin(at, {});
    await nextRungServes(at, /the archive is damaged/);
  });

  test("a truncated zip archive, of the nats CLI", async () => {
    const [at, from] = [await scene(), await mirror()];
    const archive = await realArchive("nats");
    from.publish("nats", archive.subarray(0, archive.length / 2));
    await pin(at, {});
    await nextRungServes(at, /the archive is damaged/, { name: "nats" });
  });

  test("an HTML page instead of an archive", async () => {
    const [at, from] = [await scene(), await mirror()];
    await publishReal(at, from);
    from.serve(from.pathOf("nats-server"), "<!DOCTYPE html><html><title>Please log in</title></html>");
    await nextRungServes(at, /a web page came instead of an archive/);
  });

  test("a 404", async () => {
    const [at] = [await scene(), await mirror()];
    await nextRungServes(at, /nats-server-v.+ answered 404 \(no such file\)/);
  });

  test("a 404 for the checksums of a release that has none pinned", async () => {
    const [at, from] = [await scene(), await mirror()];
    from.serve(from.pathOf("nats-server"), await realArchive("nats-server"));
    await pin(at, {});
    await nextRungServes(at, /no checksum is pinned for .+SHA256SUMS answered 404/);
    expect(from.asked.some((line) => line.endsWith(archiveName("nats-server")))).toBe(false);
  });

  test("a redirect loop", async () => {
    const [at, from] = [await scene(), await mirror()];
    await publishReal(at, from);
    from.serve(from.pathOf("nats-server"), (request, response) => {
      response.writeHead(302, { location: request.url }).end();
    });
    await nextRungServes(at, /redirects more than 5 times/);
  });

  test("an answer that never begins", async () => {
    const [at, from] = [await scene(), await mirror()];
    await publishReal(at, from);
    from.serve(from.pathOf("nats-server"), () => {});
    await nextRungServes(at, /did not answer in time/, { limits: { connectMs: 500, answerMs: 200 } });
  });

  test("a stalled transfer", async () => {
    const [at, from] = [await scene(), await mirror()];
    const archive = await publishReal(at, from);
    from.serve(from.pathOf("nats-server"), (_, response) => {
      response.writeHead(200, { "content-length": archive.length });
      response.write(archive.subarray(0, 100_000));
    });
    await nextRungServes(at, /stalled for 0.25 s after \d+ of \d+ bytes/, { limits: { stallMs: 250 } });
  });

  test("a transfer that trickles, a few bytes now and then", async () => {
    const [at, from] = [await scene(), await mirror()];
    const archive = await publishReal(at, from);
    from.serve(from.pathOf("nats-server"), (_, response) => {
      response.writeHead(200, { "content-length": archive.length });
      trickle(response, archive);
    });
    await nextRungServes(at, /stalled for 0.25 s/, { limits: { stallMs: 250 } });
  });

  test("an archive whose binary is another version", async () => {
    const [at, from] = [await scene(), await mirror()];
    const old = Buffer.from("#!/bin/sh\necho nats-server: v2.1.0\n");
    from.publish("nats-server", archiveOf("nats-server", old));
    await pin(at, {});
    await nextRungServes(at, /reports version 2\.1\.0 instead of/);
  });

  test("an archive whose binary does not run here", async () => {
    const [at, from] = [await scene(), await mirror()];
    from.publish("nats-server", archiveOf("nats-server", Buffer.from([0x7f, 0x45, 0x4c, 0x46, 9, 9, 9, 9])));
    await pin(at, {});
    await nextRungServes(at, /does not run/);
  });

  test("an archive without the program", async () => {
    const [at, from] = [await scene(), await mirror()];
    from.publish(
      "nats-server",
      tarGz([{ path: "a-release/README.md", content: Buffer.from("nothing here") }]),
    );
    await pin(at, {});
    await nextRungServes(at, /the archive holds no nats-server/);
  });

  test("a mirror whose address is none", async () => {
    const at = await scene();
    vi.stubEnv("NATS_DOWNLOAD_MIRROR", "usb-stick");
    await nextRungServes(at, /NATS_DOWNLOAD_MIRROR=usb-stick is not an http or https address/);
  });

  test("a proxy that refuses, which is named as the possible cause", async () => {
    const [at, from] = [await scene(), await mirror()];
    await publishReal(at, from);
    vi.stubEnv("HTTP_PROXY", "http://127.0.0.1:1");
    await nextRungServes(at, /refuses the connection \(HTTP_PROXY set\)/);
  });
});

describe.runIf(posix)("an archive with an entry that would leave the folder is refused", () => {
  const evil: Record<string, Entry> = {
    "a path that climbs with ..": { path: "release/../../../escaped", content: Buffer.from("x") },
    "an absolute path": { path: "/escaped", content: Buffer.from("x") },
    "a path with a drive letter": { path: "C:\\escaped", content: Buffer.from("x") },
    "a symbolic link": { path: "release/nats-server", link: "/etc/passwd" },
  };
  for (const [title, entry] of Object.entries(evil)) {
    for (const [format, pack] of Object.entries({ "tar.gz": tarGz, zip })) {
      test(`${title}, in a ${format}`, async () => {
        const [at, from] = [await scene(), await mirror()];
        // It would be installed, were it not for its neighbour.
        const { version } = readLock()["nats-server"];
        const content = Buffer.from(`#!/bin/sh\necho nats-server: v${version}\n`);
        const binary = { path: "release/bin/nats-server", content };
        from.publish("nats-server", pack([entry, binary]));
        await pin(at, {});
        await nextRungServes(at, /refused|damaged: (absolute path|invalid)/);
        expect(existsSync(join(at.folder, "escaped"))).toBe(false);
      });
    }
  }
});

describe.runIf(process.platform === "linux")("the disk", () => {
  const root = process.getuid?.() === 0;

  test.runIf(root)("full: said with what to do, and nothing broken stays", async () => {
    const [at, from] = [await scene(), await mirror()];
    await publishReal(at, from);
    await mountTmpfs(at.cache, "size=4m");
    await quickGo(at, "nats-server");
    const failure = await findProgram("nats-server", { onProgress: at.onProgress }).catch((error) => error);
    expect(at.releaseFailure()).toBe("the disk is full");
    // The next rung was tried, and met the same disk.
    expect(failure.message).toMatch(/go: +.*No space left on device/i);
    expect(failure.name).toBe("EnvironmentTrouble");
    expect(failure.advice).toContain("LEARN_NATS_CACHE");
    expect(await at.installed()).toEqual([]);
    expect(await at.leftovers()).toEqual([]);
  });
  test.skipIf(root)("full: not tested, because mounting a small disk needs root", () => {});

  test.runIf(root)("read-only: said with what to do", async () => {
    const at = await scene();
    await mountTmpfs(at.cache, "ro");
    const failure = await findProgram("nats-server").catch((error) => error);
    expect(failure.name).toBe("EnvironmentTrouble");
    expect(failure.message).toMatch(/cache folder .+ cannot be written: .+ mounted read-only/);
    expect(failure.advice).toContain("LEARN_NATS_CACHE");
  });
  test.skipIf(root)("read-only: not tested as a mount, because that needs root", () => {});

  test("in the way: a file where the cache should be", async () => {
    const at = await scene();
    await writeFile(at.cache, "not a folder");
    const failure = await findProgram("nats-server").catch((error) => error);
    expect(failure.name).toBe("EnvironmentTrouble");
    expect(failure.message).toContain(`${at.cache} cannot be written`);
  });
});

async function mountTmpfs(folder: string, options: string): Promise<void> {
  await mkdir(folder);
  execFileSync("/bin/mount", ["-t", "tmpfs", "-o", options, "tmpfs", folder]);
  onTestFinished(() => void execFileSync("/bin/umount", ["-l", folder]));
}

/** Bytes for as long as anybody listens, far too few of them. */
function trickle(response: ServerResponse, archive: Buffer): void {
  let sent = 0;
  const timer = setInterval(() => {
    response.write(archive.subarray(sent, sent + 10));
    sent += 10;
  }, 20);
  response.on("close", () => clearInterval(timer));
}

/** A port that takes no connection and refuses none: its process is frozen and its queue full, so that Linux drops what arrives. */
async function blackHole(): Promise<number> {
  const listener = `require("net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, function () { console.log(this.address().port) })`;
  const child = spawn(process.execPath, ["-e", listener], { stdio: ["ignore", "pipe", "inherit"] });
  const queued: Socket[] = [];
  onTestFinished(() => {
    for (const socket of queued) socket.destroy();
    child.kill("SIGKILL");
  });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const port = Number(line);
  child.kill("SIGSTOP");
  for (let place = 0; place < 8; place++) queued.push(connect(port, "127.0.0.1").on("error", () => {}));
  await once(queued[0] as Socket, "connect");
  return port;
}
