// Opens a classroom: its state, its server (or a cluster that is there), its host and its pages.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { EnvironmentTrouble } from "../course/errors.ts";
import { root } from "../course/places.ts";
import type { FoundProgram } from "../nats/install/find.ts";
import { markedEnvironment, watchOver } from "../nats/reaper.ts";
import { bracketed, isEveryAddress, reachedFromHere } from "./address.ts";
import { makeAssets } from "./assets.ts";
import { Authority, type Credentials, operatorConfig } from "./authority.ts";
import { readCatalogue } from "./catalogue.ts";
import { Host } from "./host.ts";
import { Hub, type TlsFiles } from "./hub.ts";
import { roomNames } from "./room.ts";
import { type ClassroomState, classroomFolder, openState, type Ports, saveState } from "./state.ts";
import { connectAs } from "./store.ts";
import { listeningTrouble, Web } from "./web.ts";
import { refuseIfOpen } from "./where.ts";

export interface OpenOptions {
  /** The address to listen on. Default 127.0.0.1: nobody else can join. */
  readonly host?: string;
  /** Of the pages; NATS has the next one and the dashboard's WebSocket the one after. */
  readonly port?: number;
  readonly tls?: TlsFiles;
  /** A cluster that is there already. */
  readonly cluster?: Cluster;
  /** The nats-server to run; not needed with a cluster. */
  readonly server?: () => Promise<FoundProgram>;
  /** Only to be read: no pages are built, and ports are of no matter. */
  readonly readOnly?: boolean;
  readonly tell?: (words: string) => void;
}

export interface Cluster {
  readonly servers: readonly string[];
  /** A user's creds file, and the seed of a signing key of its account. */
  readonly creds: string;
  readonly signingKey: string;
  /** The cluster's WebSocket address, for the dashboard. */
  readonly ws: string;
}

export interface OpenClassroom {
  readonly state: ClassroomState;
  readonly host: Host;
  /** Addresses that learners can open. */
  readonly addresses: readonly string[];
  readonly dashboard: string;
  readonly hub: Hub | undefined;
  close(): Promise<void>;
}

const defaultPort = 4280;

export async function openClassroom(options: OpenOptions): Promise<OpenClassroom> {
  const { host = "127.0.0.1", tls, cluster, tell = () => {} } = options;
  const folder = classroomFolder();
  const state = openState(folder);
  await refuseIfOpen(state);
  const ports = portsOf(options, state);
  const web = await Web.listen({ host, port: ports.http, ...(tls && { tls }) }).catch((error) => {
    throw listeningTrouble(error, ports.http);
  });
  const scheme = tls ? "https" : "http";
  const names = isEveryAddress(host) ? ownAddresses() : [host];
  const addresses = names.map((name) => `${scheme}://${bracketed(name)}:${web.port}/`);
  let hub: Hub | undefined;
  try {
    const room = roomNames(state.room);
    let authority: Authority;
    let credentials: Credentials;
    let servers: readonly string[];
    if (cluster) {
      const read = (file: string) => readGiven(file);
      ({ authority, host: credentials } = await Authority.existing(
        read(cluster.creds),
        read(cluster.signingKey).toString("utf8"),
      ));
      servers = cluster.servers;
    } else {
      const program = await (options.server as () => Promise<FoundProgram>)();
      authority = Authority.of(state.seeds);
      credentials = await authority.host();
      const settings = {
        folder,
        host,
        port: ports.nats,
        wsPort: ports.ws,
        accounts: await operatorConfig(state.seeds),
        origins: ["127.0.0.1", ...web.names, ...names].map(
          (name) => `${scheme}://${bracketed(name)}:${web.port}`,
        ),
        ...(tls && { tls }),
      };
      hub = await Hub.start(program, settings, tell);
      servers = [`${tls ? "tls" : "nats"}://${reachedFromHere(host)}:${ports.nats}`];
    }
    // The certificate names the machine as learners know it, not the loopback address that we use ourselves.
    const trust =
      tls && !cluster
        ? { tls: { ca: readFileSync(tls.cert, "utf8"), checkServerIdentity: () => undefined } }
        : {};
    const nc = await connectAs("host", { servers, credentials, ...trust });
    const running = await Host.open({ nc, room, authority, replicas: cluster ? 3 : 1, tell });
    const [assets, catalogue] = await Promise.all([makeAssets(), readCatalogue()]);
    web.show({
      state,
      host: running,
      assets,
      catalogue,
      reach: cluster
        ? { servers: [...servers], tls: servers.some((url) => url.startsWith("tls:")) }
        : { port: ports.nats, tls: tls !== undefined },
      ws: cluster ? { url: cluster.ws } : { port: ports.ws, tls: tls !== undefined },
      desk: (inbox) => authority.desk(room, inbox),
    });
    state.ports = { ...ports, http: web.port };
    state.host = host;
    state.tls = tls !== undefined;
    if (!options.readOnly) {
      saveState(state, folder);
      buildCourseSite(tell);
    }
    return {
      state,
      host: running,
      addresses,
      dashboard: `${addresses[0]}dashboard#token=${state.token}`,
      hub,
      async close() {
        running.close();
        web.close();
        await nc.close();
        await hub?.stop();
      },
    };
  } catch (error) {
    web.close();
    await hub?.stop();
    throw error;
  }
}

function portsOf({ port }: OpenOptions, { ports }: ClassroomState): Ports {
  if (port === undefined && ports) return ports;
  const first = port ?? defaultPort;
  return { http: first, nats: first + 1, ws: first + 2 };
}

function readGiven(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new EnvironmentTrouble(
      `${file} cannot be read: ${(error as Error).message}.`,
      "See that the path is right.",
      {
        cause: error,
      },
    );
  }
}

/** Every address of this machine that others may reach it under. */
function ownAddresses(): string[] {
  const found = Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .filter(({ internal, family }) => !internal && family === "IPv4")
    .map(({ address }) => address);
  return found.length > 0 ? found : ["127.0.0.1"];
}

/** Beside the classroom, in a process of its own: the room may work while the lessons' pages are made. */
function buildCourseSite(tell: (words: string) => void): void {
  const tsx = join(root, "node_modules", "tsx", "dist", "cli.mjs");
  const child = spawn(process.execPath, [tsx, join(root, "site", "main.ts"), "build"], {
    cwd: root,
    stdio: "ignore",
    env: markedEnvironment(),
    windowsHide: true,
  });
  watchOver(child);
  const failed = () =>
    tell("The lesson site could not be built; npm run site -- build says why. All else works.");
  child.once("error", failed);
  child.once("exit", (code) => code !== 0 && failed());
}
