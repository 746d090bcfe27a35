// What the releases call this machine: an operating system and a processor.

/** The platforms that the lock file names, as far as a release is made for them. */
export const platforms = [
  "linux-amd64",
  "linux-arm64",
  "linux-arm7",
  "darwin-amd64",
  "darwin-arm64",
  "windows-amd64",
  "windows-arm64",
] as const;

const systems: Partial<Record<NodeJS.Platform, string>> = {
  linux: "linux",
  darwin: "darwin",
  win32: "windows",
};

/** The name in the lock file, such as `linux-amd64`; for a machine that no release is made for, a name that is not in it. */
export function platformName(): string {
  return `${systems[process.platform] ?? process.platform}-${processor()}`;
}

function processor(): string {
  if (process.arch === "x64") return "amd64";
  if (process.arch !== "arm") return process.arch;
  const { arm_version: armVersion } = process.config.variables as { arm_version?: string };
  return `arm${armVersion ?? "7"}`;
}
