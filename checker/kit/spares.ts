// Servers and program hosts that are started before a check asks for them, so that no check waits for a process to start.
import type { FoundProgram } from "../nats/install/find.ts";
import { NatsServer, type ServerSettings } from "../nats/server.ts";
import { measurePace } from "./clock.ts";
import { defaultMemoryMb, HostProcess } from "./host-process.ts";

/** What a server takes to start on an idle machine of today, with the others that start beside it, in milliseconds. */
const usualStartMs = 150;

/** A lesson seldom needs more than this at once, and each spare costs memory while the learner thinks. */
const mostSpares = 16;

let program: FoundProgram | undefined;
let taken = { servers: 0, hosts: 0 };
/** Before the first run a guess. */
let expected = { servers: 4, hosts: 6 };
const servers: Promise<NatsServer>[] = [];
const hosts: HostProcess[] = [];
/** Where hosts rehearse. */
let rehearsalServer: Promise<NatsServer> | undefined;

/** Says which server this run uses. */
export function useServer(found: FoundProgram): void {
  program = found;
}

/** The server program of this run. */
export function serverInUse(): FoundProgram {
  if (!program) throw new Error("useServer() must come before the first check.");
  return program;
}

/** Starts spares up to these counts. A server that fails to start is reported to whoever takes it. */
export function prepare(count: { servers: number; hosts: number }): void {
  while (hosts.length < count.hosts) hosts.push(new HostProcess());
  while (servers.length < count.servers) {
    const server = startServer({});
    server.catch(() => {});
    servers.push(server);
  }
}

/** What the run that is over needed is what the next one will need. */
export function expectTheSame(): void {
  expected = { servers: Math.min(taken.servers, mostSpares), hosts: Math.min(taken.hosts, mostSpares) };
  taken = { servers: 0, hosts: 0 };
}

/**
 * Starts one spare more, if one is missing for what is expected; does not wait until it is there.
 * @returns whether one was missing
 */
export function addSpare(): boolean {
  const server = servers.length < expected.servers;
  if (!server && hosts.length >= expected.hosts) return false;
  prepare({ servers: servers.length + (server ? 1 : 0), hosts: hosts.length + (server ? 0 : 1) });
  return true;
}

/**
 * Lets each spare host rehearse, one after the other, for as long as nobody waits for something else. Its program then needs a third less
 * processor time; for who grades only once, the rehearsal would cost more than it saves.
 */
export async function rehearseSpares(busy: () => boolean): Promise<void> {
  for (const host of [...hosts]) {
    if (busy()) return;
    if (host.rehearsed || !hosts.includes(host)) continue;
    rehearsalServer ??= startServer({});
    const server = await rehearsalServer.catch(() => undefined);
    if (!server?.running || busy()) return;
    await host.rehearse({ servers: server.url, ...server.user });
  }
}

/** Resolves when every spare server answers. */
export async function sparesReady(): Promise<void> {
  await Promise.allSettled(servers);
}

/** A running server of its own for one check. Only one with the default settings can come from the spares. */
export async function takeServer(settings: ServerSettings): Promise<NatsServer> {
  const usual = Object.keys(settings).length === 0;
  if (usual) taken.servers++;
  while (usual && servers.length > 0) {
    const spare = await (servers.shift() as Promise<NatsServer>);
    if (spare.running) return spare;
    // Something ended it while it waited.
    await spare.close();
  }
  return startServer(settings);
}

/** A process for one program of a check. */
export function takeHost(memoryMb: number): HostProcess {
  if (memoryMb === defaultMemoryMb) taken.hosts++;
  while (memoryMb === defaultMemoryMb && hosts.length > 0) {
    const host = hosts.shift() as HostProcess;
    if (!host.exit) return host;
  }
  return new HostProcess(memoryMb);
}

/** Ends what was prepared and not used. */
export async function discardSpares(): Promise<void> {
  for (const host of hosts.splice(0)) host.end();
  const started = await Promise.allSettled([
    ...servers.splice(0),
    ...(rehearsalServer ? [rehearsalServer] : []),
  ]);
  rehearsalServer = undefined;
  await Promise.all(started.map((server) => server.status === "fulfilled" && server.value.close()));
}

async function startServer(settings: ServerSettings): Promise<NatsServer> {
  const from = performance.now();
  const server = await NatsServer.start(serverInUse(), settings);
  measurePace(performance.now() - from, usualStartMs);
  return server;
}
