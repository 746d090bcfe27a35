// Fifth rung: `go install` of the pinned version. Go checks what it brings against its own checksum database.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { InstallFailure } from "../failure.ts";
import { readLock } from "../lock.ts";
import { finish, refusalOf } from "../place.ts";
import type { Program } from "../programs.ts";
import { runFile } from "../run-file.ts";
import { onPath } from "./path.ts";
import type { InstallingRung, Limits } from "./rung.ts";

const mendGo = "Install Go from https://go.dev/dl/ and put it on PATH";

export const goRung: InstallingRung = {
  source: "go",
  version: pinned,

  async install({ program, newStage, report, limits }) {
    const go = requireGo();
    const version = pinned(program);
    const stage = await newStage();
    const environment = { ...(await homes(go, stage)), GOBIN: stage, CGO_ENABLED: "0" };
    await requireProxy(go, program, environment, limits);
    report({ kind: "started", expect: "about a minute, once" });
    await run(go, ["install", `${program.goPackage}@v${version}`], environment, limits.toolMs);
    await rm(join(stage, "go"), { recursive: true, force: true });
    const { path } = await finish(program, stage, "go", version);
    return { path, version, source: "go" };
  },

  async foresee(program, limits) {
    try {
      const go = requireGo();
      const { stdout } = await run(go, ["env", "GOVERSION"], {}, 5_000);
      await requireProxy(go, program, {}, limits);
      return { detail: `${stdout.trim()} would compile v${pinned(program)} (about a minute)` };
    } catch (error) {
      if (!(error instanceof InstallFailure)) throw error;
      return { source: "go", reason: error.message, mend: error.mend };
    }
  },
};

function pinned(program: Program): string {
  return readLock()[program.name].version;
}

function requireGo(): string {
  const [go] = onPath("go");
  if (!go) throw new InstallFailure("there is no go on PATH", mendGo);
  return go;
}

/** Folders for Go to work in, inside the stage, when the account has no home that could hold Go's own. */
async function homes(go: string, stage: string): Promise<Record<string, string>> {
  const own = {
    GOPATH: join(stage, "go"),
    GOCACHE: join(stage, "go", "build"),
    GOMODCACHE: join(stage, "go", "mod"),
  };
  try {
    const { stdout } = await run(go, ["env", "GOPATH", "GOCACHE", "GOMODCACHE"], {}, 5_000);
    const [goPath, ...caches] = stdout.trim().split("\n");
    const folders = [goPath?.split(process.platform === "win32" ? ";" : ":")[0], ...caches];
    if (folders.length === 3 && folders.every((folder) => folder && refusalOf(folder) === undefined))
      return {};
  } catch (error) {
    // Go itself refuses to say, as it does without a HOME.
    if (!(error instanceof InstallFailure)) throw error;
  }
  // Modules that may be written can be deleted again.
  return { ...own, GOFLAGS: `${process.env.GOFLAGS ?? ""} -modcacherw`.trim() };
}

/** Go waits long for a network that swallows packets, so the module proxy is asked first, with a bound. */
async function requireProxy(
  go: string,
  program: Program,
  environment: Record<string, string>,
  limits: Limits,
): Promise<void> {
  const { stdout } = await run(go, ["env", "GOPROXY"], environment, 5_000);
  const proxy = stdout.trim().split(/[,|]/)[0] ?? "";
  if (proxy === "off") throw new InstallFailure("GOPROXY=off forbids downloads", "go env -u GOPROXY");
  if (!/^https?:/.test(proxy)) return;
  const { reach, UntrustedCertificate } = await import("../http.ts");
  const address = `${proxy.replace(/\/$/, "")}/${program.goPackage.toLowerCase()}/@v/list`;
  try {
    await reach(address, limits, `Go's module proxy ${new URL(proxy).host}`);
  } catch (error) {
    // Go trusts the system's certificates, which Node does not look at.
    if (!(error instanceof UntrustedCertificate)) throw error;
  }
}

async function run(
  go: string,
  args: readonly string[],
  environment: Record<string, string>,
  timeoutMs: number,
): Promise<{ stdout: string }> {
  const { error, stdout, stderr } = await runFile(go, args, {
    env: { ...process.env, ...environment },
    timeout: timeoutMs,
    maxBuffer: 16 * 1024 * 1024,
  });
  if (!error) return { stdout };
  if (error.killed) throw new InstallFailure(`go ${args[0]} was stopped after ${timeoutMs / 1000} s`);
  // What Go downloads is on stderr too; the last line is the failure.
  const why = stderr.trim().split("\n").at(-1)?.trim() || error.message;
  throw new InstallFailure(`go ${args.join(" ")} failed: ${why.slice(0, 300)}`, undefined, { cause: error });
}
