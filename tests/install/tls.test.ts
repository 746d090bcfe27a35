// Mirrors with TLS: a certificate that nobody vouches for, one that a company does, and no way down to plain http.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { RequestListener } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { findProgram } from "../../checker/nats/install/find.ts";
import { onPath } from "../../checker/nats/install/rungs/path.ts";
import { realArchive, sha256 } from "./archives.ts";
import { startFinder } from "./finder.ts";
import { mirror, pin } from "./mirror.ts";
import { type Scene, scene } from "./scene.ts";

const [openssl] = onPath("openssl");

/** An https server for the running test, with a certificate of its own. */
async function serve(at: Scene, answer: RequestListener): Promise<{ address: string; certificate: string }> {
  const [key, certificate] = [join(at.folder, "key.pem"), join(at.folder, "certificate.pem")];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const make = [
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
    "-days",
    "1",
  ];
  execFileSync(openssl ?? "", [...make, ...subject, "-keyout", key, "-out", certificate], {
    stdio: "ignore",
  });
  const server = createServer({ key: readFileSync(key), cert: readFileSync(certificate) }, answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { address: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, certificate };
}

describe.runIf(openssl !== undefined)("a mirror with TLS", () => {
  test("whose certificate Node does not trust is refused, and the way out is named", async () => {
    const at = await scene();
    const { address } = await serve(at, (_, response) => response.end("x"));
    vi.stubEnv("NATS_DOWNLOAD_MIRROR", address);
    const failure = await findProgram("nats-server").catch((error) => error);
    expect(failure.message).toMatch(/release: +127.+ shows a certificate that Node does not trust/);
  });

  test("serves when NODE_EXTRA_CA_CERTS vouches for it", async () => {
    const at = await scene();
    const archive = await realArchive("nats-server");
    const { address, certificate } = await serve(at, (_, response) => response.end(archive));
    await pin(at, { "nats-server": sha256(archive) });
    vi.stubEnv("NATS_DOWNLOAD_MIRROR", address);
    vi.stubEnv("NODE_EXTRA_CA_CERTS", certificate);
    const { lines } = await startFinder("nats-server").ended();
    expect(lines.at(-1)).toMatchObject({ kind: "found", source: "release" });
  });

  test("that redirects to plain http is not followed", async () => {
    const [at, plain] = [await scene(), await mirror()];
    plain.publish("nats-server", await realArchive("nats-server"));
    await pin(at, {});
    const { address, certificate } = await serve(at, ({ url }, response) => {
      response.writeHead(302, { location: `${plain.address}${url}` }).end();
    });
    vi.stubEnv("NATS_DOWNLOAD_MIRROR", address);
    vi.stubEnv("NODE_EXTRA_CA_CERTS", certificate);
    const { lines } = await startFinder("nats-server").ended();
    expect(lines.at(-1)?.message).toMatch(
      /redirects from https to http:\/\/127\.0\.0\.1:\d+, which is refused/,
    );
    expect(plain.asked).toEqual([]);
  });
});

test.skipIf(openssl !== undefined)(
  "mirrors with TLS: not tested, because there is no openssl to make a certificate with",
  () => {},
);
