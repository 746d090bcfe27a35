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
/** Since the last refill; before the first run a guess. */
let taken = { servers: 4, hosts: 4 };
const servers: Promise<NatsServer>[] = [];
const hosts: HostProcess[] = [];

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

/** Starts as many spares as checks took since the last call: what the next run of the same lesson will need. */
export async function refill(): Promise<void> {
  const { servers: most, hosts: programs } = taken;
  taken = { servers: 0, hosts: 0 };
  prepare({ servers: Math.min(most, mostSpares), hosts: Math.min(programs, mostSpares) });
  await Promise.allSettled(servers);
}

/** A running server of its own for one check. Only one with the default settings can come from the spares. */
export async function takeServer(settings: ServerSettings): Promise<NatsServer> {
  const usual = Object.keys(settings).length === 0;
  if (usual) taken.servers++;
  const spare = usual ? servers.shift() : undefined;
  return spare ?? startServer(settings);
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
  const started = await Promise.allSettled(servers.splice(0));
  await Promise.all(started.map((server) => server.status === "fulfilled" && server.value.close()));
}

async function startServer(settings: ServerSettings): Promise<NatsServer> {
  const from = performance.now();
  const server = await NatsServer.start(serverInUse(), settings);
  measurePace(performance.now() - from, usualStartMs);
  return server;
}
