// Last rung: the distribution's package, fetched and unpacked without root (Debian, Ubuntu and what derives from them).
import { copyFile, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { InstallFailure } from "../failure.ts";
import { finish } from "../place.ts";
import { fileName, isAtLeast, type Program } from "../programs.ts";
import { runFile } from "../run-file.ts";
import { onPath } from "./path.ts";
import type { InstallingRung } from "./rung.ts";

/** One try and a short wait: this rung comes last, when the network has probably failed the others already. */
const network = [
  "-o",
  "Acquire::Retries=0",
  "-o",
  "Acquire::http::Timeout=5",
  "-o",
  "Acquire::https::Timeout=5",
];

export const packageRung: InstallingRung = {
  source: "package",
  // The distribution decides; finding it out starts apt.
  version: () => undefined,

  async install({ program, newStage, report, limits }) {
    const { name, version } = await candidate(program);
    report({ kind: "started", version, expect: "a few seconds" });
    const download = await newStage();
    // apt drops to the user _apt when root asks, who may not write here; the file is verified all the same.
    const asRoot = process.getuid?.() === 0 ? ["-o", "APT::Sandbox::User=root"] : [];
    await run("apt-get", [...network, ...asRoot, "download", name], download, limits.toolMs);
    const deb = (await readdir(download)).find((file) => file.endsWith(".deb"));
    if (!deb) throw new InstallFailure(`apt-get download ${name} brought no package`);
    const tree = join(download, "tree");
    await mkdir(tree);
    await run("dpkg-deb", ["-x", join(download, deb), tree], download, limits.toolMs);
    const stage = await newStage();
    const binary = await findBinary(tree, program);
    await copyFile(binary, join(stage, fileName(program.name)));
    const cached = await finish(program, stage, "package", undefined);
    return { path: cached.path, version: cached.marker.version, source: "package" };
  },

  async foresee(program) {
    try {
      const { name, version } = await candidate(program);
      return { detail: `apt-get download ${name} would bring ${version}` };
    } catch (error) {
      if (!(error instanceof InstallFailure)) throw error;
      return { source: "package", reason: error.message, mend: error.mend };
    }
  },
};

/** The package that apt would bring. Asks apt's lists, not the network. */
async function candidate(program: Program): Promise<{ name: string; version: string }> {
  const name = program.debianPackage;
  if (!name) throw new InstallFailure(`Debian and Ubuntu have no package of ${program.title}`);
  for (const tool of ["apt-get", "apt-cache", "dpkg-deb"]) {
    if (onPath(tool).length === 0) {
      throw new InstallFailure(`there is no ${tool} here: this is not Debian or Ubuntu, or a derivative`);
    }
  }
  const policy = await run("apt-cache", ["policy", name], undefined, 10_000);
  const version = /Candidate: (\S+)/.exec(policy)?.[1];
  if (!version || version === "(none)") {
    throw new InstallFailure(`apt's lists hold no package ${name}`, "sudo apt-get update");
  }
  if (!isAtLeast(version, program.minimum)) {
    throw new InstallFailure(
      `the package is version ${version}, and the course needs ${program.minimum} or newer`,
    );
  }
  return { name, version };
}

async function findBinary(tree: string, program: Program): Promise<string> {
  const files = await readdir(tree, { recursive: true, withFileTypes: true });
  const file = files.find(
    (entry) => entry.isFile() && entry.name === program.name && /bin$/.test(entry.parentPath),
  );
  if (!file) throw new InstallFailure(`the package ${program.debianPackage} holds no ${program.name}`);
  return join(file.parentPath, file.name);
}

async function run(
  tool: string,
  args: readonly string[],
  cwd: string | undefined,
  timeoutMs: number,
): Promise<string> {
  // What apt says is parsed, so it must not be translated.
  const options = { cwd, timeout: timeoutMs, env: { ...process.env, LC_ALL: "C" } };
  const { error, stdout, stderr } = await runFile(tool, args, options);
  if (!error) return stdout;
  const lines = stderr.trim().split("\n");
  const why = lines.find((line) => line.startsWith("E:")) ?? (lines.at(-1) || error.message);
  const mend = /404|Failed to fetch|no longer/i.test(stderr) ? "sudo apt-get update" : undefined;
  throw new InstallFailure(`${tool} failed: ${why.slice(0, 300)}`, mend, { cause: error });
}
