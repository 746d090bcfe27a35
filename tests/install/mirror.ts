// A mirror on 127.0.0.1 with GitHub's layout. It serves what it is given, and misbehaves where it is told to.
import { writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { onTestFinished, vi } from "vitest";
import type { ProgramName } from "../../checker/nats/install/find.ts";
import { readLock } from "../../checker/nats/install/lock.ts";
import { platformName } from "../../checker/nats/install/platform.ts";
import { programs } from "../../checker/nats/install/programs.ts";
import { archiveName, sha256 } from "./archives.ts";
import type { Scene } from "./scene.ts";

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export interface Mirror {
  readonly address: string;
  readonly port: number;
  /** Paths asked for, in order. */
  readonly asked: string[];
  /** The path of a file in the program's release. */
  pathOf(name: ProgramName, file?: string): string;
  serve(path: string, answer: Buffer | string | Handler): void;
  /** Puts an archive and its line in SHA256SUMS where the program's release would have them. */
  publish(name: ProgramName, archive: Buffer): void;
}

/** A mirror for the running test; NATS_DOWNLOAD_MIRROR names it. */
export async function mirror(): Promise<Mirror> {
  const answers = new Map<string, Buffer | string | Handler>();
  const asked: string[] = [];
  const server = createServer((request, response) => {
    // A proxy is asked with the whole address.
    const path = new URL(request.url ?? "/", "http://mirror").pathname;
    asked.push(`${request.method} ${path}`);
    const answer = answers.get(path);
    if (typeof answer === "function") return answer(request, response);
    response.statusCode = answer === undefined ? 404 : 200;
    response.setHeader("content-length", Buffer.byteLength(answer ?? ""));
    response.end(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const address = `http://127.0.0.1:${port}`;
  vi.stubEnv("NATS_DOWNLOAD_MIRROR", address);
  const pathOf = (name: ProgramName, file = archiveName(name)) =>
    `/${programs[name].repository.split("/")[1]}/releases/download/v${readLock()[name].version}/${file}`;
  return {
    address,
    port,
    asked,
    pathOf,
    serve: (path, answer) => void answers.set(path, answer),
    publish(name, archive) {
      answers.set(pathOf(name), archive);
      answers.set(pathOf(name, "SHA256SUMS"), `${sha256(archive)}  ${archiveName(name)}\n`);
    },
  };
}

/**
 * A lock file that pins these checksums for this platform, and none for the rest: archives made here are not the
 * releases that the course's own lock pins.
 */
export async function pin(scene: Scene, pins: Partial<Record<ProgramName, string>>): Promise<void> {
  const lock = structuredClone(readLock()) as unknown as Record<
    string,
    { archives: Record<string, { sha256: string | null }> }
  >;
  for (const [name, { archives }] of Object.entries(lock)) {
    const archive = archives[platformName()];
    if (archive) archive.sha256 = pins[name as ProgramName] ?? null;
  }
  const file = join(scene.folder, "lock.json");
  await writeFile(file, JSON.stringify(lock));
  vi.stubEnv("LEARN_NATS_LOCK", file);
}
