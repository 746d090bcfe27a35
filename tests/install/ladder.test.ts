// The rungs in their order: which one serves, and what is said when one does not.
import { execFileSync } from "node:child_process";
import { copyFile, mkdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { findProgram, inspectRungs, type ProgramName } from "../../checker/nats/install/find.ts";
import { readLock } from "../../checker/nats/install/lock.ts";
import { realArchive, sha256 } from "./archives.ts";
import { mirror, pin } from "./mirror.ts";
import { quickGo, real, scene, script } from "./scene.ts";

const posix = process.platform !== "win32";

describe("an environment variable that names a program", () => {
  test("is used before everything else", async () => {
    const at = await scene();
    vi.stubEnv("NATS_SERVER_BIN", real["nats-server"]);
    await script(join(at.path, "nats-server"), "echo nats-server: v2.99.0");
    expect(await findProgram("nats-server")).toEqual({
      path: real["nats-server"],
      version: readLock()["nats-server"].version,
      source: "environment",
    });
  });

  test("and does not exist is trouble at once, which names the value", async () => {
    await scene();
    vi.stubEnv("NATS_SERVER_BIN", "/nonexistent");
    const failure = await findProgram("nats-server").catch((error) => error);
    expect(failure.name).toBe("EnvironmentTrouble");
    expect(failure.message).toBe("NATS_SERVER_BIN=/nonexistent does not serve: /nonexistent does not exist.");
    expect(failure.advice).toContain("unset it");
  });

  test.runIf(posix)("and is another program is trouble, which says what it printed", async () => {
    const at = await scene();
    vi.stubEnv("NATS_CLI_BIN", await script(join(at.folder, "strange"), "echo I am a teapot"));
    const failure = await findProgram("nats").catch((error) => error);
    expect(failure.message).toMatch(/NATS_CLI_BIN=.+ --version printed: I am a teapot/);
  });

  test("and is a folder is trouble", async () => {
    const at = await scene();
    vi.stubEnv("NATS_STREAMING_SERVER_BIN", at.folder);
    await expect(findProgram("nats-streaming-server")).rejects.toThrow(/is not a file/);
  });

  test.runIf(posix)("and is too old is trouble, even where another would serve", async () => {
    const at = await scene();
    vi.stubEnv("NATS_SERVER_BIN", await script(join(at.folder, "old"), "echo nats-server: v2.9.9"));
    await symlink(real["nats-server"], join(at.path, "nats-server"));
    await expect(findProgram("nats-server")).rejects.toThrow(
      /is version 2\.9\.9, and the course needs 2\.9\.10/,
    );
    const [environment, path] = await inspectRungs("nats-server");
    expect([environment?.state, path?.state]).toEqual(["unusable", "usable"]);
  });
});

describe.runIf(posix)("PATH", () => {
  test("serves each of the three programs by its real binary", async () => {
    const at = await scene();
    for (const name of Object.keys(real) as ProgramName[]) {
      await symlink(real[name], join(at.path, name));
      expect(await findProgram(name)).toMatchObject({ source: "PATH", path: join(at.path, name) });
    }
  });

  test("is passed over when what it holds is too old, unless a later folder has a newer one", async () => {
    const at = await scene();
    await script(join(at.path, "nats-server"), "echo nats-server: v2.2.0");
    await expect(findProgram("nats-server", { install: false })).rejects.toThrow(
      /PATH: +.+ is version 2\.2\.0/,
    );
    const later = join(at.folder, "later");
    await mkdir(later);
    await symlink(real["nats-server"], join(later, "nats-server"));
    vi.stubEnv("PATH", `${at.path}:${later}`);
    expect(await findProgram("nats-server")).toMatchObject({
      source: "PATH",
      path: join(later, "nats-server"),
    });
  });

  test("a program that changes is asked for its version again", async () => {
    const at = await scene();
    const file = await script(join(at.path, "nats-server"), "echo nats-server: v2.14.5");
    expect((await findProgram("nats-server")).version).toBe("2.14.5");
    await script(file, "echo nats-server: v2.15.2-after-an-upgrade");
    expect((await findProgram("nats-server")).version).toBe("2.15.2-after-an-upgrade");
  });
});

describe.runIf(posix)("the cache", () => {
  test("serves what was installed before, in a few milliseconds and without starting it", async () => {
    const at = await scene();
    await quickGo(at, "nats-server");
    const first = await findProgram("nats-server");
    expect(first.source).toBe("go");
    await rm(join(at.path, "go"));
    const times: number[] = [];
    for (let round = 0; round < 20; round++) {
      const begun = performance.now();
      expect(await findProgram("nats-server")).toEqual({ ...first, source: "cache" });
      times.push(performance.now() - begun);
    }
    expect(Math.min(...times)).toBeLessThan(5);
  });

  test("does not serve a folder whose installation was never finished, and it is replaced", async () => {
    const at = await scene();
    const folder = join(at.cache, "bin", `nats-server-${readLock()["nats-server"].version}`);
    await mkdir(folder, { recursive: true });
    await copyFile(real["nats-server"], join(folder, "nats-server"));
    await expect(findProgram("nats-server", { install: false })).rejects.toThrow(
      /cache: +nothing is installed/,
    );
    await quickGo(at, "nats-server");
    expect((await findProgram("nats-server")).source).toBe("go");
    expect((await findProgram("nats-server")).source).toBe("cache");
    expect(await at.leftovers()).toEqual([]);
  });

  test("does not serve a binary that was cut short after it was installed", async () => {
    const at = await scene();
    await quickGo(at, "nats-server");
    const { path } = await findProgram("nats-server");
    await writeFile(path, (await readFile(path)).subarray(0, 1000));
    expect((await findProgram("nats-server")).source).toBe("go");
  });

  test("does not serve a binary that stopped running, and it is replaced", async () => {
    const at = await scene();
    await quickGo(at, "nats-server");
    const { path } = await findProgram("nats-server");
    const { size } = await stat(path);
    await writeFile(path, Buffer.alloc(size));
    await expect(findProgram("nats-server", { install: false })).rejects.toThrow(
      /cache: +.+does not say its version/,
    );
    expect((await findProgram("nats-server")).source).toBe("go");
    expect((await findProgram("nats-server")).source).toBe("cache");
  });
});

describe.runIf(posix)("go install", () => {
  test("works without a HOME, and keeps what Go needs inside the cache for as long as it runs", async () => {
    const at = await scene();
    await quickGo(at, "nats-streaming-server");
    vi.stubEnv("HOME", undefined);
    expect(await findProgram("nats-streaming-server")).toMatchObject({ source: "go" });
    const log = await readFile(join(at.folder, "go.log"), "utf8");
    expect(log).toMatch(
      new RegExp(`install github.com/nats-io/nats-streaming-server@v[\\d.]+ GOPATH=${at.cache}/tmp/`),
    );
    expect(await at.leftovers()).toEqual([]);
  });

  test("that fails is refused with Go's own last words", async () => {
    const at = await scene();
    await script(
      join(at.path, "go"),
      `[ "$1" = env ] && echo direct && exit; echo "go: cannot find module" >&2; exit 1`,
    );
    await expect(findProgram("nats")).rejects.toThrow(/go: +go install .+ failed: go: cannot find module/);
  });
});

describe.runIf(process.platform === "linux")("the distribution's package", () => {
  test("is fetched and unpacked without root", async (context) => {
    await scene();
    vi.stubEnv("PATH", "/usr/bin:/bin");
    const found = await findProgram("nats-server").catch((error) => error);
    // Only a Debian or Ubuntu with its lists and its network can show it.
    const reason = /package: +(.+)/.exec(found.message ?? "")?.[1];
    if (reason) context.skip(reason);
    if (found.source !== "package") context.skip(`${found.source} serves before the package does`);
    expect(found.version).toMatch(/^2\.\d+\.\d+/);
    expect(execFileSync(found.path, ["--version"], { encoding: "utf8" })).toContain(found.version);
    expect(await findProgram("nats-server")).toEqual({ ...found, source: "cache" });
  });
});

describe("when no rung serves", () => {
  test("each rung's reason is one line, and the advice says what to do", async () => {
    await scene();
    const failure = await findProgram("nats-server").catch((error) => error);
    expect(failure.name).toBe("EnvironmentTrouble");
    expect(failure.message.split("\n").map((line: string) => line.trim().split(":")[0])).toEqual([
      "No nats-server can be found or installed",
      "environment",
      "PATH",
      "cache",
      "release",
      "go",
      "package",
    ]);
    expect(failure.advice).toContain("npm run doctor");
  });

  test("and installing is not allowed, nothing is tried that installs", async () => {
    const at = await scene();
    const failure = await findProgram("nats", { install: false, onProgress: at.onProgress }).catch(
      (error) => error,
    );
    expect(failure.message).not.toContain("release:");
    expect(at.events).toEqual([]);
  });
});

describe("the release", () => {
  for (const name of ["nats-server", "nats", "nats-streaming-server"] as const) {
    test(`of ${name} is downloaded, checked and cached, and its bytes are counted`, async () => {
      const [at, from] = [await scene(), await mirror()];
      const archive = await realArchive(name);
      from.publish(name, archive);
      await pin(at, { [name]: sha256(archive) });
      const found = await findProgram(name, { onProgress: at.onProgress });
      expect(found.source).toBe("release");
      expect(at.events.at(0)).toMatchObject({ kind: "started", source: "release", program: name });
      const bytes = at.events.filter((event) => event.kind === "bytes");
      expect(bytes.at(-1)).toMatchObject({ bytes: archive.length, totalBytes: archive.length });
      expect(at.events.at(-1)).toMatchObject({ kind: "done", path: found.path });
      expect(await at.leftovers()).toEqual([]);
      expect(await findProgram(name)).toEqual({ ...found, source: "cache" });
      // The pin was enough: the list of checksums was not asked for.
      expect(from.asked).toEqual([`GET ${from.pathOf(name)}`]);
    });
  }

  test("comes from a mirror that wants a name and password, which are shown to nobody", async () => {
    const [at, from] = [await scene(), await mirror()];
    const archive = await realArchive("nats-server");
    await pin(at, { "nats-server": sha256(archive) });
    from.serve(from.pathOf("nats-server"), ({ headers }, response) => {
      const known = headers.authorization === `Basic ${Buffer.from("course:s3cret").toString("base64")}`;
      response.writeHead(known ? 200 : 401).end(known ? archive : "");
    });
    vi.stubEnv("NATS_DOWNLOAD_MIRROR", from.address.replace("//", "//course:wrong@"));
    const failure = await findProgram("nats-server").catch((error) => error);
    expect(failure.message).toMatch(/release: +http:\/\/127.+ answered 401/);
    expect(failure.message).not.toContain("wrong");
    vi.stubEnv("NATS_DOWNLOAD_MIRROR", from.address.replace("//", "//course:s3cret@"));
    expect((await findProgram("nats-server")).source).toBe("release");
  });

  test("without a pinned checksum is checked against the release's own list", async () => {
    const [at, from] = [await scene(), await mirror()];
    from.publish("nats-server", await realArchive("nats-server"));
    await pin(at, {});
    expect((await findProgram("nats-server")).source).toBe("release");
    expect(from.asked[0]).toBe(`GET ${from.pathOf("nats-server", "SHA256SUMS")}`);
  });

  test("is followed through redirects, as GitHub answers with one", async () => {
    const [at, from] = [await scene(), await mirror()];
    const archive = await realArchive("nats-server");
    await pin(at, { "nats-server": sha256(archive) });
    from.serve("/elsewhere", archive);
    from.serve(from.pathOf("nats-server"), (_, response) => {
      response.writeHead(302, { location: "/elsewhere" }).end();
    });
    expect((await findProgram("nats-server")).source).toBe("release");
  });

  test("comes through the proxy that HTTP_PROXY names, and past it where NO_PROXY says so", async () => {
    const [at, proxy] = [await scene(), await mirror()];
    const archive = await realArchive("nats-server");
    proxy.publish("nats-server", archive);
    await pin(at, { "nats-server": sha256(archive) });
    // A name that nobody knows: only the proxy can answer for it.
    vi.stubEnv("NATS_DOWNLOAD_MIRROR", "http://mirror.invalid");
    await expect(findProgram("nats-server")).rejects.toThrow(/mirror\.invalid is not known here/);
    vi.stubEnv("HTTP_PROXY", proxy.address);
    vi.stubEnv("NO_PROXY", "mirror.invalid");
    await expect(findProgram("nats-server")).rejects.toThrow(/mirror\.invalid is not known here/);
    vi.stubEnv("NO_PROXY", undefined);
    expect((await findProgram("nats-server")).source).toBe("release");
  });

  test("that has no platform like this one says so", async () => {
    const at = await scene();
    const file = join(at.folder, "lock.json");
    const locked = { version: "2.14.5", archives: {} };
    await writeFile(
      file,
      JSON.stringify({ "nats-server": locked, nats: locked, "nats-streaming-server": locked }),
    );
    vi.stubEnv("LEARN_NATS_LOCK", file);
    await expect(findProgram("nats-server")).rejects.toThrow(
      /release: +no release of nats-server is made for/,
    );
  });
});

describe("inspecting", () => {
  test("shows every rung in order with its reason, and installs nothing", async () => {
    const [at, from] = [await scene(), await mirror()];
    from.publish("nats", await realArchive("nats"));
    const reports = await inspectRungs("nats");
    expect(reports.map(({ source, state }) => `${source} ${state}`)).toEqual([
      "environment unusable",
      "PATH unusable",
      "cache unusable",
      "release usable",
      "go unusable",
      "package unusable",
    ]);
    expect(reports.every(({ detail }) => detail !== "" && !detail.includes("\n"))).toBe(true);
    expect(reports[3]?.detail).toContain("the mirror must be trusted");
    expect(await at.installed()).toEqual([]);
  });
});
