// Who listens on a port of this machine, and which one is free.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { createServer, connect as dial } from "node:net";

const host = "127.0.0.1";
/** Where `npm run lab` listens, and the contexts of the course's texts lead. */
export const labPort = 4_223;
/** A nats-server speaks first, and at once. */
const firstWordMs = 500;

/** Whether nobody listens there. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** The first free port after this one; undefined when the next hundred are taken. */
export async function freePortAfter(port: number): Promise<number | undefined> {
  for (let next = port + 1; next <= Math.min(port + 100, 65_535); next++) if (await isFree(next)) return next;
  return undefined;
}

/** Who listens on this port, in words: `nats-server 2.14.5 named hub-4711 (process 4242, nats-server)`. */
export async function whoListens(port: number): Promise<string> {
  const [server, owner] = [await greeting(port), processAt(port)];
  const by = owner && `process ${owner.pid}${owner.name ? `, ${owner.name}` : ""}`;
  if (server) return by ? `${server} (${by})` : server;
  return by || "another program";
}

/** What a NATS server says of itself; undefined when it is none. */
function greeting(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = dial(port, host);
    let heard = "";
    const done = (answer?: string) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(firstWordMs, () => done());
    socket.on("error", () => done());
    socket.on("close", () => done());
    socket.on("data", (data) => {
      heard += data.toString("latin1");
      const info = /^INFO (\{.*\})\s*\n/.exec(heard)?.[1];
      if (!info) return heard.length > 65_536 || !"INFO ".startsWith(heard.slice(0, 5)) ? done() : undefined;
      try {
        const { version, server_name } = JSON.parse(info) as { version?: string; server_name?: string };
        done(`nats-server ${version ?? ""}${server_name ? ` named ${server_name}` : ""}`);
      } catch {
        done();
      }
    });
  });
}

function processAt(port: number): { pid: number; name?: string } | undefined {
  try {
    if (process.platform === "linux") return onLinux(port);
    if (process.platform === "darwin") {
      const [pid, name] = run("lsof", ["-nP", `-iTCP:${port}`, "-sTCP:LISTEN", "-Fpc"]).split("\n");
      if (!pid?.startsWith("p")) return undefined;
      return { pid: Number(pid.slice(1)), ...(name?.startsWith("c") && { name: name.slice(1) }) };
    }
    const pid = new RegExp(`TCP\\s+\\S+:${port}\\s+\\S+\\s+LISTENING\\s+(\\d+)`).exec(
      run("netstat", ["-ano"]),
    )?.[1];
    return pid ? { pid: Number(pid) } : undefined;
  } catch {
    // Another person's process, or no such tool: it stays unnamed.
    return undefined;
  }
}

function run(command: string, args: readonly string[]): string {
  return execFileSync(command, args, {
    encoding: "utf8",
    timeout: 3_000,
    stdio: ["ignore", "pipe", "ignore"],
    windowsHide: true,
  });
}

/** By the socket's inode: proc(5), /proc/net/tcp and /proc/PID/fd. */
function onLinux(port: number): { pid: number; name?: string } | undefined {
  const listening = "0A";
  const wanted = port.toString(16).toUpperCase().padStart(4, "0");
  const inodes = ["tcp", "tcp6"].flatMap((table) =>
    readFileSync(`/proc/net/${table}`, "latin1")
      .split("\n")
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[1]?.endsWith(`:${wanted}`) && fields[3] === listening)
      .map((fields) => `socket:[${fields[9]}]`),
  );
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const holds = readdirSync(`/proc/${pid}/fd`).some((fd) =>
        inodes.includes(readlinkSync(`/proc/${pid}/fd/${fd}`)),
      );
      if (holds) return { pid: Number(pid), name: readFileSync(`/proc/${pid}/comm`, "utf8").trim() };
    } catch {
      // Not ours to read, or gone meanwhile.
    }
  }
  return undefined;
}
