// The scene of the installation tests: a cache of their own, a PATH that holds only what a test puts there, and a Go
// that brings a ready binary in no time.
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished, vi } from "vitest";
import { bringPinned } from "../../checker/nats/install/bring.ts";
import type { InstallEvent, ProgramName } from "../../checker/nats/install/find.ts";

/** The real binaries. Installed into the person's own cache the first time, as any lesson would. */
export const real: Readonly<Record<ProgramName, string>> = {
  "nats-server": (await bringPinned("nats-server")).path,
  nats: (await bringPinned("nats")).path,
  "nats-streaming-server": (await bringPinned("nats-streaming-server")).path,
};

export interface Scene {
  readonly folder: string;
  readonly cache: string;
  /** The only folder on PATH, empty at first. */
  readonly path: string;
  readonly events: InstallEvent[];
  readonly onProgress: (event: InstallEvent) => void;
  /** What the release rung gave as its reason. */
  releaseFailure(): string;
  /** Names of the complete installations in the cache. */
  installed(): Promise<string[]>;
  /** What runs left behind outside their installations. */
  leftovers(): Promise<string[]>;
}

/** A scene of the running test, with the environment set to it and cleared of everything else. */
export async function scene(): Promise<Scene> {
  const folder = await mkdtemp(join(tmpdir(), "learn-nats-install-"));
  onTestFinished(async () => {
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true, force: true });
  });
  const cache = join(folder, "cache");
  const path = join(folder, "path");
  await mkdir(path);
  for (const name of ["NATS_SERVER_BIN", "NATS_CLI_BIN", "NATS_STREAMING_SERVER_BIN", "LEARN_NATS_LOCK"]) {
    vi.stubEnv(name, undefined);
  }
  for (const name of ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"]) {
    vi.stubEnv(name, undefined);
    vi.stubEnv(name.toLowerCase(), undefined);
  }
  vi.stubEnv("LEARN_NATS_CACHE", cache);
  vi.stubEnv("PATH", path);
  // A test that forgets its mirror must not find the internet.
  vi.stubEnv("NATS_DOWNLOAD_MIRROR", "http://127.0.0.1:1");
  const events: InstallEvent[] = [];
  return {
    folder,
    cache,
    path,
    events,
    onProgress: (event) => void events.push(event),
    releaseFailure() {
      const failed = events.find((event) => event.kind === "failed" && event.source === "release");
      return failed?.kind === "failed" ? failed.reason : "";
    },
    installed: () => namesIn(join(cache, "bin")),
    async leftovers() {
      const kept = ["bin", "tmp", "versions.json"];
      const strange = (await namesIn(cache)).filter((name) => !kept.includes(name));
      const unfinished = await Promise.all(
        (await namesIn(join(cache, "tmp"))).map(async (name) =>
          name.endsWith(".lock") ? [name] : await namesIn(join(cache, "tmp", name)),
        ),
      );
      return [...strange, ...unfinished.flat()];
    },
  };
}

async function namesIn(folder: string): Promise<string[]> {
  return existsSync(folder) ? (await readdir(folder)).sort() : [];
}

/** An executable shell script. */
export async function script(file: string, text: string): Promise<string> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `#!/bin/sh\n${text}\n`);
  await chmod(file, 0o755);
  return file;
}

/**
 * A `go` on PATH whose `install` copies the real binary: the rung is the real one, and the compiler is spared.
 * What it was called with is in `go.log` beside it.
 */
export async function quickGo(scene: Scene, name: ProgramName): Promise<void> {
  await script(
    join(scene.path, "go"),
    `echo "$* GOPATH=$GOPATH" >> "${scene.folder}/go.log"
case "$1 $2" in
  "env GOPROXY") echo direct ;;
  "env GOPATH") [ -n "$HOME" ] || { echo "go: module cache not found: neither GOMODCACHE nor GOPATH is set" >&2; exit 1; }
    echo "$HOME/go"; echo "$HOME/.cache/go-build"; echo "$HOME/go/pkg/mod" ;;
  install*) /bin/cp "${real[name]}" "$GOBIN/" ;;
esac`,
  );
}
