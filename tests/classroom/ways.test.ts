// Other ways to host: on a cluster that is there already, whose leader dies; with TLS, for the pages, NATS and the WebSocket.
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:https";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { jetstreamManager } from "@nats-io/jetstream";
import { fmtCreds, fromSeed } from "@nats-io/jwt";
import { afterAll, describe, expect, test } from "vitest";
import { Authority, newSeeds, operatorConfig } from "../../checker/classroom/authority.ts";
import { joinClassroom } from "../../checker/classroom/join.ts";
import { type OpenOptions, openClassroom } from "../../checker/classroom/open.ts";
import { Outbox } from "../../checker/classroom/outbox.ts";
import { roomNames } from "../../checker/classroom/room.ts";
import { Sender } from "../../checker/classroom/sender.ts";
import { connectAs } from "../../checker/classroom/store.ts";
import { NatsCluster } from "../../checker/nats/cluster.ts";
import { findProgram } from "../../checker/nats/install/find.ts";
import { onPath } from "../../checker/nats/install/rungs/path.ts";
import { reapAll } from "../../checker/nats/reaper.ts";
import { temporary, threePorts, until } from "./scene.ts";

const [openssl] = onPath("openssl");
const folders: string[] = [];

afterAll(() => {
  reapAll();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function fresh(purpose: string): string {
  const folder = temporary(purpose);
  folders.push(folder);
  process.env.LEARN_NATS_CLASSROOM = join(folder, "host");
  return folder;
}

/** Whether who listens there shows this certificate. */
function speaksTls(port: number, cert: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectTls({ port, host: "127.0.0.1", ca: readFileSync(cert) }, () => {
      resolve(socket.authorized);
      socket.destroy();
    });
    socket.on("error", () => resolve(false));
  });
}

/** How the pages answer to who calls them by this name. */
function statusAs(name: string, port: number, cert: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const options = {
      host: "127.0.0.1",
      port,
      ca: readFileSync(cert),
      servername: "localhost",
      headers: { host: `${name}:${port}` },
    };
    get(options, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).on("error", reject);
  });
}

describe("other ways to host", () => {
  test("on a cluster: streams have three replicas, and nothing is lost when the leader is killed", async () => {
    const folder = fresh("cluster");
    const seeds = newSeeds();
    const cluster = await NatsCluster.start(await findProgram("nats-server"), {
      ownAccounts: true,
      config: await operatorConfig(seeds),
    });
    const host = await Authority.of(seeds).host();
    const [creds, signingKey] = [join(folder, "host.creds"), join(folder, "account.nk")];
    writeFileSync(creds, fmtCreds(host.jwt, fromSeed(new TextEncoder().encode(host.seed))));
    writeFileSync(signingKey, `${seeds.account}\n`);
    const port = await threePorts();
    const room = await openClassroom({
      port,
      readOnly: true,
      cluster: { servers: cluster.urls, creds, signingKey, ws: "ws://127.0.0.1:1" },
    });
    const home = join(folder, "learner");
    const member = await joinClassroom({
      url: room.addresses[0] ?? "",
      name: "Ana",
      code: room.state.code,
      folder: home,
    });
    const sender = new Sender({ member, home });
    try {
      void sender.follow();
      const outbox = new Outbox(home);
      const say = (n: number) => until(`message ${n}`, () => outbox.confirmed() >= n);
      await say(outbox.put({ kind: "hand", up: true, text: "before" }));
      const names = roomNames(room.state.room);
      const nc = await connectAs("test", { servers: cluster.urls, credentials: host });
      const { config } = await (await jetstreamManager(nc)).streams.info(names.stream);
      await nc.close();
      expect(config.num_replicas).toBe(3);
      const leader = await until("a leader", () => cluster.streamLeader(names.stream));
      await leader.kill();
      for (let i = 0; i < 10; i++) outbox.put({ kind: "hand", up: true, text: `after ${i}` });
      await say(11);
      expect(room.host.ledger.summary(member.id)?.hand?.text).toBe("after 9");
      expect(room.host.ledger.upTo(member.id)).toBe(11);
    } finally {
      await sender.close();
      await room.close();
      await cluster.close();
    }
  });

  test("on a cluster: files that are not what they should be are named before anything is opened", async () => {
    const folder = fresh("wrong");
    const file = join(folder, "nothing.creds");
    writeFileSync(file, "nothing");
    const cluster = { servers: ["127.0.0.1:1"], creds: file, signingKey: file, ws: "ws://127.0.0.1:1" };
    await expect(openClassroom({ port: await threePorts(), readOnly: true, cluster })).rejects.toThrow(
      /credentials of the cluster/,
    );
  });

  test.skipIf(openssl === undefined)(
    "with TLS everything is encrypted, and who does not know the certificate is kept out",
    async () => {
      const folder = fresh("tls");
      const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
      execFileSync(
        openssl ?? "",
        [
          ..."req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost".split(
            " ",
          ),
          ...[
            "-addext",
            "subjectAltName=DNS:localhost,DNS:*.class.example,IP:127.0.0.1",
            "-keyout",
            key,
            "-out",
            cert,
          ],
        ],
        { stdio: "ignore" },
      );
      const port = await threePorts();
      const options: OpenOptions = {
        port,
        tls: { cert, key },
        readOnly: true,
        server: () => findProgram("nats-server"),
      };
      const room = await openClassroom(options);
      const home = join(folder, "learner");
      try {
        const url = room.addresses[0] ?? "";
        expect(url).toBe(`https://127.0.0.1:${port}/`);
        const join_ = { url, name: "Ana", code: room.state.code, folder: home };
        await expect(joinClassroom(join_)).rejects.toThrow(/self.signed/i);
        const member = await joinClassroom({ ...join_, ca: readFileSync(cert, "utf8") });
        const outbox = new Outbox(home);
        outbox.put({ kind: "hand", up: true });
        const sender = new Sender({ member, home });
        expect(await sender.empty(30_000)).toBe(true);
        await sender.close();
        const { ca: _, ...stranger } = member;
        const refused = new Sender({ member: stranger, home });
        outbox.put({ kind: "hand", up: false });
        expect(await refused.empty(3_000)).toBe(false);
        await refused.close();
        expect(await speaksTls(port + 2, cert)).toBe(true);
        // Under a name of the certificate, and under no other.
        expect(await statusAs("monday.class.example", port, cert)).toBe(200);
        expect(await statusAs("monday.other.example", port, cert)).toBe(421);
      } finally {
        await room.close();
      }
    },
  );

  test("a port that is taken is named, with what to do", async () => {
    fresh("taken");
    const port = await threePorts();
    const server = () => findProgram("nats-server");
    const room = await openClassroom({ port, readOnly: true, server });
    await expect(openClassroom({ port, readOnly: true, server })).rejects.toThrow(`Port ${port} is taken.`);
    await room.close();
  });
});
