// Serves the site on this machine while somebody writes: builds it again when a file changes, and tells the open pages.
import { watch } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import { extname, join } from "node:path";
import { Site } from "./build.ts";
import { root } from "./course.ts";

const types: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** Runs until it is interrupted. @param port 0 for any */
export async function serveSite(port: number): Promise<void> {
  const site = new Site({ reload: true, base: "/" });
  const open = new Set<ServerResponse>();
  let files: ReadonlyMap<string, string> = new Map();

  const rebuild = async () => {
    const began = performance.now();
    try {
      files = await site.make();
      process.stdout.write(`built in ${Math.round(performance.now() - began)} ms\n`);
      for (const page of open) page.write("data: built\n\n");
    } catch (error) {
      process.stderr.write(`${(error as Error).message}\n`);
    }
  };
  await rebuild();

  const server = createServer((request, response) => {
    // Another site's page must not read this one by a name that it points here.
    if (!/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(request.headers.host ?? "")) {
      response.writeHead(421).end();
      return;
    }
    const path = pathOf(request.url ?? "/");
    if (path === undefined) {
      response.writeHead(400).end();
      return;
    }
    if (path === "reload") {
      response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
      response.flushHeaders();
      open.add(response);
      response.on("close", () => open.delete(response));
      return;
    }
    const name = path === "" || path.endsWith("/") ? `${path}index.html` : path;
    const text = files.get(name);
    response
      .writeHead(text === undefined ? 404 : 200, {
        "content-type": text === undefined ? types[".html"] : (types[extname(name)] ?? "text/plain"),
        "cache-control": "no-store",
      })
      .end(text ?? files.get("404.html"));
  });
  server.on("error", (error: NodeJS.ErrnoException) => {
    process.stderr.write(
      error.code === "EADDRINUSE"
        ? `Port ${port} is taken. Choose another one: npm run site -- --port ${port + 1}\n`
        : `${error.message}\n`,
    );
    process.exit(1);
  });
  server.listen(port, "127.0.0.1", () => {
    const address = server.address();
    const at = typeof address === "object" && address ? address.port : port;
    process.stdout.write(`http://127.0.0.1:${at}/  (Ctrl+C ends it)\n`);
  });

  let soon: NodeJS.Timeout | undefined;
  let building = Promise.resolve();
  const changed = () => {
    clearTimeout(soon);
    soon = setTimeout(() => {
      building = building.then(rebuild);
    }, 20);
  };
  for (const folder of ["lessons", "solutions", "site/client", "site/pages"])
    watch(join(root, folder), { recursive: true }, changed);
  for (const file of ["README.md", "site/glossary.yaml"]) watch(join(root, file), changed);

  for (const [signal, status] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)
    process.once(signal, () => process.exit(status));
}

/** Undefined when the address cannot be read. */
function pathOf(url: string): string | undefined {
  try {
    return decodeURIComponent(new URL(url, "http://127.0.0.1").pathname).slice(1);
  } catch {
    return undefined;
  }
}
