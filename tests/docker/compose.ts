// Reads docker-compose.yml, and starts its services without Docker: the real programs, with the very files and arguments.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { parse } from "yaml";
import { root } from "../../checker/course/places.ts";
import { within } from "../grading/leftovers.ts";
import { somePort } from "../lab/lab-command.ts";

export interface Service {
  readonly image?: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly profiles?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly build?: { readonly dockerfile: string };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
}

export interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

export const text = readFileSync(join(root, "docker-compose.yml"), "utf8");
export const compose = parse(text, { merge: true }) as Compose;

export interface Started {
  readonly port: number;
  readonly monitorPort: number;
}

/**
 * Starts a service's program with the service's arguments. Where a container has a file system and ports of its own, this machine has others:
 * paths of mounted files are led back to the course, and what the service's environment says of ports and store is replaced.
 */
export async function start(
  name: string,
  program: string,
  replaced: Readonly<Record<string, string>> = {},
): Promise<Started> {
  const service = compose.services[name] as Service;
  const store = mkdtempSync(join(tmpdir(), "compose-"));
  onTestFinished(() => rmSync(store, { recursive: true, force: true, maxRetries: 5 }));
  const mounts = (service.volumes ?? []).map((volume) => volume.split(":"));
  const args = (service.command ?? []).map((arg) => {
    const source = mounts.find(([, target]) => target === arg)?.[0];
    return source ? join(root, source) : arg;
  });
  const ports = { PORT: String(await somePort()), MONITOR_PORT: String(await somePort()) };
  for (const key of Object.keys({ ...ports, ...replaced, STORE: store })) {
    if (!(key in (service.environment ?? {})))
      throw new Error(`The service ${name} has no ${key} to replace.`);
  }
  const env: Record<string, string> = { ...service.environment, ...ports, STORE: store, ...replaced };
  const child = spawn(program, args, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await gone;
  });
  let log = "";
  child.stderr.on("data", (part: Buffer) => {
    log += part.toString();
  });
  const ready = /Server is ready|Streaming Server is ready|STREAM: Streaming Server is ready/;
  if (!(await within(30_000, () => ready.test(log) || child.exitCode !== null)) || child.exitCode !== null) {
    throw new Error(`${name} did not start:\n${log}`);
  }
  return { port: Number(env.PORT), monitorPort: Number(env.MONITOR_PORT) };
}

/** The status of the page that the service's health check asks for. */
export function health(name: string, { monitorPort }: Started): Promise<number> {
  const test = compose.services[name]?.healthcheck?.test.at(-1) ?? "";
  const url = /http:\/\/\S+/.exec(test)?.[0]?.replace("$$MONITOR_PORT", String(monitorPort)) ?? "";
  return new Promise((resolve, reject) => {
    get(url, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    }).on("error", reject);
  });
}
