// The three programs that the course runs: what they are called, which versions serve, and where they come from.

export type ProgramName = "nats-server" | "nats" | "nats-streaming-server";

/** A version as numbers, so that two can be compared. */
export type Version = readonly [major: number, minor: number, patch: number];

export interface Program {
  readonly name: ProgramName;
  /** What a person calls it. */
  readonly title: string;
  /** The environment variable that names a binary to use instead of all other ways. */
  readonly variable: string;
  /** The oldest version that the course's lessons can be taken with. */
  readonly minimum: string;
  /** Finds the version in what `--version` prints; the first group holds it. */
  readonly versionPattern: RegExp;
  /** GitHub's owner/name; releases and mirrors lie under it. */
  readonly repository: string;
  /** The archive of a release for a platform, as the project's goreleaser configuration names it. */
  archiveFile(version: string, platform: string): string;
  /** What `go install` is given, without the version. */
  readonly goPackage: string;
  /** The Debian and Ubuntu package, where there is one. */
  readonly debianPackage?: string;
  /** Measured on linux-amd64 and rounded up; said before anything is brought, never used for a decision. */
  readonly roughMegabytes: { readonly download: number; readonly installed: number };
}

export const programs: Readonly<Record<ProgramName, Program>> = {
  "nats-server": {
    name: "nats-server",
    title: "nats-server",
    variable: "NATS_SERVER_BIN",
    // Debian 12's version: lessons that need a newer one say so and are skipped.
    minimum: "2.9.10",
    versionPattern: /nats-server: v?(\d+\.\S*)/,
    repository: "nats-io/nats-server",
    archiveFile: (version, platform) => `nats-server-v${version}-${platform}.${usualFormat(platform)}`,
    goPackage: "github.com/nats-io/nats-server/v2",
    debianPackage: "nats-server",
    roughMegabytes: { download: 13, installed: 24 },
  },
  nats: {
    name: "nats",
    title: "the nats CLI",
    variable: "NATS_CLI_BIN",
    // The first with `nats trace`.
    minimum: "0.2.0",
    versionPattern: /^v?(\d+\.\S*)/,
    repository: "nats-io/natscli",
    archiveFile: (version, platform) => `nats-${version}-${platform}.zip`,
    goPackage: "github.com/nats-io/natscli/nats",
    roughMegabytes: { download: 19, installed: 38 },
  },
  "nats-streaming-server": {
    name: "nats-streaming-server",
    title: "nats-streaming-server",
    variable: "NATS_STREAMING_SERVER_BIN",
    minimum: "0.20.0",
    versionPattern: /nats-streaming-server version v?(\d+\.[^\s,]*)/,
    repository: "nats-io/nats-streaming-server",
    archiveFile: (version, platform) =>
      `nats-streaming-server-v${version}-${platform}.${usualFormat(platform)}`,
    goPackage: "github.com/nats-io/nats-streaming-server",
    roughMegabytes: { download: 14, installed: 27 },
  },
};

function usualFormat(platform: string): "zip" | "tar.gz" {
  return platform.startsWith("windows-") ? "zip" : "tar.gz";
}

/** The name of the program's file on this platform. */
export function fileName(name: ProgramName): string {
  return process.platform === "win32" ? `${name}.exe` : name;
}

/** Undefined when the text holds no version, as for a build that calls itself "development". */
export function parseVersion(text: string): Version | undefined {
  const numbers = /^v?(\d+)\.(\d+)(?:\.(\d+))?/.exec(text);
  if (!numbers) return undefined;
  return [Number(numbers[1]), Number(numbers[2]), Number(numbers[3] ?? 0)];
}

/** Whether `version` is `minimum` or newer. A version that cannot be read is not. */
export function isAtLeast(version: string, minimum: string): boolean {
  const have = parseVersion(version);
  const want = parseVersion(minimum);
  if (!have || !want) return false;
  for (const [place, number] of want.entries()) {
    const difference = (have[place] ?? 0) - number;
    if (difference !== 0) return difference > 0;
  }
  return true;
}
