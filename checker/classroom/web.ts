// The classroom's HTTP server: the page to join, the dashboard, the lesson site, and two requests: to join, and to open the dashboard.
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { isIP } from "node:net";
import { hostname } from "node:os";
import { extname, join, sep } from "node:path";
import { EnvironmentTrouble } from "../course/errors.ts";
import { root } from "../course/places.ts";
import { bracketed } from "./address.ts";
import type { Assets } from "./assets.ts";
import { timelineFile } from "./catalogue.ts";
import { type Host, NameTaken } from "./host.ts";
import type { TlsFiles } from "./hub.ts";
import { FailureLimit } from "./limit.ts";
import { type Joined, joinRequest, parsed, type Room } from "./messages.ts";
import { type ClassroomState, sameSecret } from "./state.ts";
import type { Catalogue } from "./summary.ts";

export interface WebSettings {
  readonly host: string;
  readonly port: number;
  readonly tls?: TlsFiles;
}

/** What the pages need to know; filled in as the rest of the classroom starts. */
export interface Classroom {
  readonly state: ClassroomState;
  readonly host: Host;
  readonly assets: Assets;
  readonly catalogue: Catalogue;
  /** For learners. */
  readonly reach: Pick<Joined, "servers" | "port" | "tls">;
  /** For the dashboard: the WebSocket's address, or its port on the host that the page is from. */
  readonly ws: { readonly url: string } | { readonly port: number; readonly tls: boolean };
  /** A user for one dashboard. */
  readonly desk: (inbox: string) => Promise<{ jwt: string; seed: string }>;
}

const mostBody = 8 * 1024;
const types: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly headers: Record<string, string> = {},
  ) {
    super(message);
  }
}

export class Web {
  readonly #limit = new FailureLimit();
  readonly #certificate: X509Certificate | undefined;
  #room: Classroom | undefined;

  private constructor(
    readonly server: Server,
    private readonly host: string,
    cert?: Buffer,
  ) {
    this.#certificate = cert && new X509Certificate(cert);
  }

  /** Names under which its pages are served, besides addresses. One with a star stands in the certificate alone. */
  get names(): string[] {
    const own = hostname().toLowerCase();
    const certified = this.#certificate?.subjectAltName?.matchAll(/DNS:([\w.-]+)/g) ?? [];
    return [
      ...new Set([
        "localhost",
        own,
        `${own.replace(/\..*$/, "")}.local`,
        ...(isIP(this.host) ? [] : [this.host.toLowerCase()]),
        ...[...certified].map(([, name = ""]) => name.toLowerCase()),
      ]),
    ];
  }

  /** Listens; until `show` it answers that it is starting. @throws EnvironmentTrouble when the port is taken */
  static async listen({ host, port, tls }: WebSettings): Promise<Web> {
    const options = { requestTimeout: 30_000, headersTimeout: 30_000, maxHeaderSize: 8 * 1024 };
    const cert = tls && readFileSync(tls.cert);
    const server = tls
      ? (createSecureServer({ ...options, cert, key: readFileSync(tls.key) }) as Server)
      : createServer(options);
    const web = new Web(server, host, cert);
    server.maxConnections = 4_096;
    server.on("request", (request, response) => void web.#handle(request, response));
    server.on("clientError", (_, socket) => socket.destroy());
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, host, 1_024, () => resolve());
    });
    return web;
  }

  get port(): number {
    const address = this.server.address();
    return typeof address === "object" && address ? address.port : 0;
  }

  show(room: Classroom): void {
    this.#room = room;
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const name = hostOf(request);
      // A page of another site must not reach us under a name that it points here.
      if (!this.#isOurs(name)) throw new Refusal(421, "This server is not known under that name.");
      if (!this.#room)
        throw new Refusal(503, "The classroom is starting. Try again in a moment.", { "retry-after": "1" });
      await this.#route(this.#room, request, response, name);
    } catch (error) {
      const refusal =
        error instanceof Refusal ? error : new Refusal(500, "The classroom could not answer. Try again.");
      send(response, refusal.status, "application/json", JSON.stringify({ error: refusal.message }), {
        ...refusal.headers,
        ...(!request.complete && { connection: "close" }),
      });
      if (!request.complete) request.resume();
    }
  }

  /** Only a name can be pointed here by somebody else: an address is what it is. */
  #isOurs(name: string): boolean {
    return (
      isIP(name) !== 0 ||
      this.names.includes(name) ||
      (name !== "" && this.#certificate?.checkHost(name) !== undefined)
    );
  }

  async #route(
    room: Classroom,
    request: IncomingMessage,
    response: ServerResponse,
    name: string,
  ): Promise<void> {
    const { pathname } = new URL(request.url ?? "/", "http://classroom");
    if (request.method === "POST") {
      const { body, address } = await this.#read(request);
      if (pathname === "/api/join") return json(response, await this.#join(room, body, address));
      if (pathname === "/api/desk") return json(response, await this.#desk(room, body, address));
      throw new Refusal(404, "There is nothing to send to here.");
    }
    if (request.method !== "GET" && request.method !== "HEAD")
      throw new Refusal(405, "This cannot be done here.");
    const asset = room.assets.get(pathname);
    if (asset) return send(response, 200, types[extname(pathname)] ?? "text/plain", asset);
    if (pathname === "/api/room")
      return json(response, { room: room.state.room, ...room.reach } satisfies Room);
    if (pathname === "/") return page(response, room.assets.page("join"), name, room.ws);
    if (pathname === "/dashboard") return page(response, room.assets.page("dashboard"), name, room.ws);
    if (pathname === "/course")
      throw new Refusal(301, "The lessons are at /course/.", { location: "/course/" });
    if (pathname.startsWith("/course/")) return coursePage(response, pathname.slice("/course/".length));
    const timeline = timelineFile(pathname);
    if (timeline)
      return send(response, 200, types[".svg"] ?? "", readFileSync(timeline), {
        "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
      });
    throw new Refusal(404, "There is no such page. The lessons are at /course/.");
  }

  async #join({ state, host, reach }: Classroom, body: unknown, address: string): Promise<Joined> {
    const read = joinRequest.safeParse(body);
    if (!read.success) throw new Refusal(400, "A name, a code and a public key are needed, as JSON.");
    const { name, code, key } = read.data;
    if (!sameSecret(code.replace(/[\s-]/g, "").toUpperCase(), state.code)) {
      this.#limit.failed(address);
      throw new Refusal(403, "This is not the code of this classroom. Ask the instructor.");
    }
    try {
      const learner = await host.join(name, key);
      return { room: state.room, title: "learn-nats", ...learner, ...reach };
    } catch (error) {
      if (error instanceof RangeError) throw new Refusal(400, error.message);
      if (error instanceof NameTaken) throw new Refusal(409, error.message);
      throw new Refusal(503, "The classroom could not write your name down. Try again.", {
        "retry-after": "1",
      });
    }
  }

  async #desk(room: Classroom, body: unknown, address: string): Promise<unknown> {
    const { token, inbox } = (body ?? {}) as { token?: unknown; inbox?: unknown };
    if (typeof token !== "string" || !sameSecret(token, room.state.token)) {
      this.#limit.failed(address);
      throw new Refusal(
        403,
        "This is not the instructor's token. Open the address that npm run classroom printed.",
      );
    }
    if (typeof inbox !== "string" || !/^_INBOX_[A-Za-z0-9]{16,40}$/.test(inbox))
      throw new Refusal(400, "The dashboard's request was not understood. Load the page again.");
    const { state, catalogue, ws } = room;
    return { room: state.room, code: state.code, ws, catalogue, ...(await room.desk(inbox)) };
  }

  /** JSON of a small size, from whoever has not guessed too often. */
  async #read(request: IncomingMessage): Promise<{ body: unknown; address: string }> {
    const address = request.socket.remoteAddress ?? "";
    const wait = this.#limit.waitSeconds(address);
    if (wait > 0)
      throw new Refusal(429, `Too many wrong tries from here. Wait ${wait} seconds.`, {
        "retry-after": String(wait),
      });
    // A form of another site can send everything but this type.
    if (!/^application\/json\b/i.test(request.headers["content-type"] ?? ""))
      throw new Refusal(415, "This must be sent as application/json.");
    const parts: Buffer[] = [];
    let bytes = 0;
    for await (const part of request as AsyncIterable<Buffer>) {
      bytes += part.length;
      if (bytes > mostBody) throw new Refusal(413, `This is too large: at most ${mostBody} bytes.`);
      parts.push(part);
    }
    const body = parsed(Buffer.concat(parts).toString("utf8"));
    if (body === undefined) throw new Refusal(400, "This is not JSON.");
    return { body, address };
  }
}

function json(response: ServerResponse, value: unknown): void {
  send(response, 200, "application/json", JSON.stringify(value));
}

function send(
  response: ServerResponse,
  status: number,
  type: string,
  body: string | Buffer,
  headers: Record<string, string> = {},
): void {
  response
    .writeHead(status, {
      "content-type": type,
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cross-origin-resource-policy": "same-origin",
      ...headers,
    })
    .end(body);
}

function page(response: ServerResponse, html: string, name: string, ws: Classroom["ws"]): void {
  const socket = "url" in ws ? ws.url : `${ws.tls ? "wss" : "ws"}://${bracketed(name)}:${ws.port}`;
  send(response, 200, types[".html"] ?? "", html, {
    "content-security-policy": [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self'",
      `connect-src 'self' ${socket}`,
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join("; "),
  });
}

/** A page of the lesson site, as it was built into site/dist. */
function coursePage(response: ServerResponse, path: string): void {
  const folder = join(root, "site", "dist");
  const file = join(folder, path === "" || path.endsWith("/") ? `${path}index.html` : path);
  if (
    !file.startsWith(folder + sep) ||
    !/^[\w./-]*$/.test(path) ||
    path.split("/").some((part) => part.startsWith("."))
  )
    throw new Refusal(404, "There is no such page.");
  let text: Buffer;
  try {
    text = readFileSync(file);
  } catch {
    throw new Refusal(
      404,
      "There is no such page. When the classroom has just been opened, the lessons are still being built.",
    );
  }
  send(response, 200, types[extname(file)] ?? "text/plain", text);
}

function hostOf(request: IncomingMessage): string {
  const given = request.headers.host ?? "";
  return (
    /^\[([0-9a-f:.]+)\](?::\d+)?$/i.exec(given)?.[1] ??
    /^([^:[\]]+)(?::\d+)?$/.exec(given)?.[1] ??
    ""
  ).toLowerCase();
}

/** @throws EnvironmentTrouble */
export function listeningTrouble(error: unknown, port: number): Error {
  if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") return error as Error;
  return new EnvironmentTrouble(
    `Port ${port} is taken.`,
    "Is this classroom open in another terminal? Then use that one. Otherwise choose a port: npm run classroom -- --port 5280",
    { cause: error },
  );
}
