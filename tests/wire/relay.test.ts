// The relay: bytes untouched, order, back-pressure, ends and resets passed on; and the faults that it can make.
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect as dial } from "node:net";
import { TLSSocket, connect as tlsDial } from "node:tls";
import { StringCodec } from "nats";
import { describe, expect, onTestFinished, test } from "vitest";
import { is } from "../../checker/wire/events.ts";
import { Journal } from "../../checker/wire/journal.ts";
import { Relay } from "../../checker/wire/relay.ts";
import { everything, listen, pair, read, scene } from "./scene.ts";

const text = StringCodec();
const soon = { timeoutMs: 10_000 };

describe("bytes", () => {
  test("of any kind pass both ways as they are", async () => {
    const { client, server, journal } = await pair();
    const there = randomBytes(3_000_000);
    const back = randomBytes(3_000_000);
    // By chance the first byte might begin an operation, or a TLS handshake.
    there[0] = 0;
    back[0] = 0;
    const received = Promise.all([everything(server), everything(client)]);
    client.end(there);
    server.end(back);
    const [atServer, atClient] = await received;
    expect(atServer.equals(there)).toBe(true);
    expect(atClient.equals(back)).toBe(true);
    expect(journal.of("unreadable")).toHaveLength(2);
  });

  test("of a payload as large as the server takes arrive one by one the same", async () => {
    const { client } = await scene({ config: "max_payload: 32MB" });
    const [alice, bob] = await Promise.all([client("alice"), client("bob")]);
    const sub = bob.subscribe("big", { max: 1 });
    await bob.flush();
    const payload = randomBytes(32 * 1024 * 1024);
    alice.publish("big", payload);
    for await (const message of sub) expect(Buffer.from(message.data).equals(payload)).toBe(true);
  });

  test("of many messages keep their order", async () => {
    const { client, journal } = await scene({ jetstream: false });
    const [alice, bob] = await Promise.all([client("alice"), client("bob")]);
    const sub = bob.subscribe("count", { max: 20_000 });
    await bob.flush();
    for (let i = 0; i < 20_000; i++) alice.publish("count", String(i));
    let next = 0;
    for await (const message of sub) expect(message.string()).toBe(String(next++));
    expect(next).toBe(20_000);
    expect(journal.total("publish")).toBe(20_000);
    expect(journal.total("message")).toBe(20_000);
    expect(journal.events.length).toBeLessThanOrEqual(20_000);
    expect(journal.leftOut).toBeGreaterThan(20_000);
  });

  test("of an encrypted connection pass, and it is marked as not readable", async () => {
    const { client, server, journal, relay } = await pair();
    // A pre-shared key needs no certificate.
    const key = randomBytes(16);
    const ciphers = "PSK-AES128-GCM-SHA256";
    server.write('INFO {"tls_required":true,"server_name":"hub","version":"2.14.5"}\r\n');
    await read(client, 10);
    const secureServer = new TLSSocket(server, {
      isServer: true,
      pskCallback: () => key,
      ciphers,
      maxVersion: "TLSv1.2",
    } as never);
    const secure = tlsDial({
      socket: client,
      pskCallback: () => ({ psk: key, identity: "carrier" }),
      ciphers,
      maxVersion: "TLSv1.2",
      checkServerIdentity: () => undefined,
    });
    secure.on("error", () => {});
    secureServer.on("error", () => {});
    secure.write("PING\r\n");
    expect((await read(secureServer, 6)).toString()).toBe("PING\r\n");
    expect(journal.of("unreadable")).toMatchObject([{ reason: "tls" }]);
    expect(relay.connections).toMatchObject([{ readable: false }]);
  });
});

describe("back-pressure", () => {
  test("reaches the sender when the receiver does not read, and nothing is lost", async () => {
    const { client, server } = await pair();
    client.pause();
    const total = 96 * 1024 * 1024;
    const chunk = randomBytes(1024 * 1024);
    const sent = createHash("sha256");
    let written = 0;
    const pump = () => {
      while (written < total) {
        sent.update(chunk);
        written += chunk.length;
        if (!server.write(chunk)) return;
      }
      server.end();
    };
    server.on("drain", pump);
    pump();
    // What left the sender stands in the system's socket buffers and in the relay.
    const left = () => server.bytesWritten - server.writableLength;
    for (let before = -1, same = 0; same < 10; ) {
      same = left() === before ? same + 1 : 0;
      before = left();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(left()).toBeLessThan(32 * 1024 * 1024);
    const received = createHash("sha256");
    let length = 0;
    for await (const part of client) {
      received.update(part as Buffer);
      length += (part as Buffer).length;
    }
    expect(length).toBe(total);
    expect(received.digest("hex")).toBe(sent.digest("hex"));
  });
});

describe("ends", () => {
  test("a client that ends its half still receives", async () => {
    const { client, server, journal } = await pair();
    const received = everything(client);
    client.end("PING\r\n");
    expect((await everything(server)).toString()).toBe("PING\r\n");
    server.end("PONG\r\n");
    expect((await received).toString()).toBe("PONG\r\n");
    expect(journal.of("disconnect")).toMatchObject([{ by: "client", how: "end" }]);
  });

  test("a reset by the client is a reset at the server", async () => {
    const { client, server, journal } = await pair();
    const error = once(server, "error");
    server.resume();
    client.resetAndDestroy();
    expect((await error)[0]).toMatchObject({ code: "ECONNRESET" });
    expect(journal.of("disconnect")).toMatchObject([{ by: "client", how: "reset" }]);
  });

  test("a reset by the server is a reset at the client", async () => {
    const { client, server, journal } = await pair();
    const error = once(client, "error");
    client.resume();
    server.resetAndDestroy();
    expect((await error)[0]).toMatchObject({ code: "ECONNRESET" });
    expect(journal.of("disconnect")).toMatchObject([{ by: "server", how: "reset" }]);
  });

  test("while the server is down, dials are refused and counted, and afterwards the client is back", async () => {
    const { server, client, journal } = await scene({ jetstream: false });
    const nc = await client("van");
    await server.kill();
    await journal.until(() => journal.dials({ accepted: false }).length >= 3, {
      what: "third refused dial",
      ...soon,
    });
    const refused = journal.mark();
    await server.restart();
    await journal.until(is("connect", { name: "van" }), {
      what: "CONNECT after the restart",
      after: refused,
      ...soon,
    });
    await nc.flush();
    expect(journal.dials({ accepted: true, client: "van" })).toHaveLength(2);
  });

  test("a port where nobody listens counts as a server that is down", async () => {
    const { listener, port } = await listen();
    listener.close();
    await once(listener, "close");
    const journal = new Journal();
    const relay = await Relay.listen({ journal, target: () => ({ host: "127.0.0.1", port }) });
    onTestFinished(() => relay.close());
    const client = dial(relay.port, "127.0.0.1");
    expect((await once(client, "error"))[0]).toMatchObject({ code: "ECONNRESET" });
    expect(journal.dials()).toMatchObject([{ accepted: false }]);
  });

  test("closing the relay frees its port and breaks connections off", async () => {
    const { relay, client } = await pair();
    const { port } = relay;
    const gone = once(client, "error");
    client.resume();
    await relay.close();
    await gone;
    await relay.close();
    const late = dial(port, "127.0.0.1");
    expect((await once(late, "error"))[0]).toMatchObject({ code: "ECONNREFUSED" });
  });
});

describe("a stall", () => {
  test("holds back from the moment of the call, and gives everything in order when released", async () => {
    const { client, relay, journal } = await scene({ jetstream: false });
    const [alice, bob] = await Promise.all([client("alice"), client("bob")]);
    const got: string[] = [];
    bob.subscribe("parcel", { callback: (_, message) => void got.push(message.string()) });
    await bob.flush();
    alice.publish("parcel", "before");
    await alice.flush();
    await bob.flush();
    const stall = relay.stall("alice");
    for (let i = 0; i < 100; i++) alice.publish("parcel", `p${i}`);
    const flushed = alice.flush();
    await journal.until(is("publish", { text: "p99" }), { what: "publish of p99", ...soon });
    // Bob's own round trip proves that nothing of Alice's is on its way.
    await bob.flush();
    expect(got).toEqual(["before"]);
    expect(journal.publishes({ text: "p99" })).toMatchObject([{ kept: "held" }]);
    expect(relay.connections.every((connection) => connection.open)).toBe(true);
    stall.release();
    stall.release();
    await flushed;
    await bob.flush();
    expect(got).toEqual(["before", ...Array.from({ length: 100 }, (_, i) => `p${i}`)]);
    expect(journal.of("fault").map((event) => event.what)).toEqual(["stall", "release"]);
  });

  test("of one direction lets the other through", async () => {
    const { client, relay, journal } = await scene({ jetstream: false });
    const [alice, bob] = await Promise.all([client("alice"), client("bob")]);
    const sub = bob.subscribe("parcel", { max: 1 });
    await bob.flush();
    const stall = relay.stall("alice", "toClient");
    alice.publish("parcel", "p1");
    const flushed = alice.flush();
    for await (const message of sub) expect(message.string()).toBe("p1");
    await journal.until(is("pong", { client: "alice", kept: "held" }), { what: "held PONG", ...soon });
    stall.release();
    await flushed;
  });

  test("can be set before the client connects, by its name", async () => {
    const { client, relay, journal } = await scene({ jetstream: false });
    const stall = relay.stall("late");
    const other = await client("other");
    const late = client("late");
    await journal.until(is("connect", { name: "late", kept: "held" }), { what: "held CONNECT", ...soon });
    await other.flush();
    stall.release();
    await (await late).flush();
  });

  test("of all holds for connections still to come", async () => {
    const { relay, client, server, journal } = await pair();
    const stall = relay.stall();
    client.write("PING\r\n");
    await journal.until(is("ping", { kept: "held" }), { what: "held PING", ...soon });
    stall.release();
    expect((await read(server, 6)).toString()).toBe("PING\r\n");
  });

  test("holds back the end of a connection too", async () => {
    const { relay, client, server, journal } = await pair();
    const ended = everything(server);
    const stall = relay.stall();
    client.end("PING\r\n");
    await journal.until(is("disconnect"), { what: "end", ...soon });
    expect(server.readableEnded).toBe(false);
    stall.release();
    expect((await ended).toString()).toBe("PING\r\n");
  });

  test("stops reading after a while, so that memory stays bounded", async () => {
    const { relay, client, server } = await pair();
    relay.stall();
    const chunk = Buffer.alloc(1024 * 1024, "x");
    for (let i = 0; i < 64; i++) client.write(chunk);
    const left = () => client.bytesWritten - client.writableLength;
    for (let before = -1, same = 0; same < 10; ) {
      same = left() === before ? same + 1 : 0;
      before = left();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(left()).toBeLessThan(32 * 1024 * 1024);
    expect(server.bytesRead).toBe(0);
  });
});

describe("a cut", () => {
  test("resets both sides, of the named client only, and the client comes back", async () => {
    const { client, relay, journal } = await scene({ jetstream: false });
    const [alice, bob] = await Promise.all([client("alice"), client("bob")]);
    const before = journal.mark();
    relay.cut("alice");
    await journal.until(is("connect", { name: "alice" }), {
      what: "second CONNECT of alice",
      after: before,
      ...soon,
    });
    await Promise.all([alice.flush(), bob.flush()]);
    expect(journal.of("disconnect")).toMatchObject([{ client: "alice", by: "fault", how: "reset" }]);
    expect(
      relay.connections
        .filter((connection) => connection.name === "alice")
        .map((connection) => connection.open),
    ).toEqual([false, true]);
  });
});

describe("a hold", () => {
  test("keeps a PubAck from the client, which stores nothing twice when it retries with the same message id", async () => {
    const { client, relay, journal } = await scene();
    const nc = await client("publisher");
    await (await nc.jetstreamManager()).streams.add({ name: "PARCELS", subjects: ["parcel.>"] });
    const hold = relay.hold(is("puback"), { who: "publisher", limit: 1, mode: "drop", what: "the PubAck" });
    const js = nc.jetstream();
    await expect(js.publish("parcel.ams", "p1", { msgID: "m1", timeout: 200 })).rejects.toThrow("TIMEOUT");
    expect(hold.events).toMatchObject([{ kind: "puback", seq: 1, kept: "dropped" }]);
    expect(await js.publish("parcel.ams", "p1", { msgID: "m1" })).toMatchObject({ duplicate: true, seq: 1 });
    expect(journal.pubAcks()).toMatchObject([{ kept: "dropped" }, { duplicate: true }]);
    hold.release();
  });

  test("lets everything else pass, and gives what it kept in order when released", async () => {
    const { client, relay, journal } = await scene({ jetstream: false });
    const [alice, bob] = await Promise.all([client("alice"), client("bob")]);
    const got: string[] = [];
    bob.subscribe(">", { callback: (_, message) => void got.push(message.string()) });
    await bob.flush();
    const hold = relay.hold((event) => event.kind === "publish" && event.subject === "late", {
      who: "alice",
    });
    for (let i = 0; i < 5; i++) {
      alice.publish("late", `late ${i}`);
      alice.publish("early", `early ${i}`);
    }
    await alice.flush();
    await bob.flush();
    expect(got).toEqual([0, 1, 2, 3, 4].map((i) => `early ${i}`));
    hold.release();
    await alice.flush();
    await bob.flush();
    expect(got.slice(5)).toEqual([0, 1, 2, 3, 4].map((i) => `late ${i}`));
    expect(journal.publishes({ kept: "held" })).toHaveLength(5);
  });

  test("respects message boundaries however the bytes come, and does not tear a message that has begun to leave", async () => {
    const { relay, client, server } = await pair();
    client.write("PUB a 6\r\nab");
    await read(server, 11);
    const hold = relay.hold(is("publish"));
    client.write("cdef\r\nPUB b 2\r\n");
    client.write("hi\r\nPI");
    client.write("NG\r\nPUB c 1");
    expect((await read(server, 6 + 6)).toString()).toBe("cdef\r\nPING\r\n");
    expect(hold.events).toMatchObject([{ subject: "b" }]);
    hold.release();
    expect((await read(server, 20)).toString()).toBe("PUB b 2\r\nhi\r\nPUB c 1");
  });

  test("gives what it kept before the end of the connection, also of a program that was killed", async () => {
    for (const leave of ["end", "resetAndDestroy"] as const) {
      const { relay, client, server, journal } = await pair();
      const received = everything(server);
      const hold = relay.hold(is("publish"));
      client.write("PUB a 1\r\nx\r\n");
      await journal.until(is("publish"), { what: "publish", ...soon });
      client[leave]();
      await journal.until(is("disconnect"), { what: "end", ...soon });
      expect(server.readableEnded).toBe(false);
      hold.release();
      expect((await received).toString()).toBe("PUB a 1\r\nx\r\n");
    }
  });

  test("by name is in force from the client's very first bytes", async () => {
    const { relay, client, server } = await pair();
    relay.hold(is("publish"), { who: "van", mode: "drop" });
    client.write('CONNECT {"name":"van"}\r\nPUB a 1\r\nx\r\nPING\r\n');
    expect((await read(server, 30)).toString()).toBe('CONNECT {"name":"van"}\r\nPING\r\n');
  });
});

test("a slow network passes everything, no faster than told", async () => {
  const { relay, client, server } = await pair();
  relay.slow(undefined, 1_000_000);
  const bytes = randomBytes(400_000);
  const started = performance.now();
  const received = read(server, bytes.length);
  client.write(bytes);
  expect((await received).equals(bytes)).toBe(true);
  // A tenth of a second may pass at once.
  expect(performance.now() - started).toBeGreaterThan(290);
  expect(() => relay.slow(undefined, 0)).toThrow(RangeError);
});

test("connections are known by the client's name, user and language", async () => {
  const { client, relay, server } = await scene({ jetstream: false });
  const nc = await client("van 7");
  expect(relay.connections).toMatchObject([
    { name: "van 7", user: server.user.user, lang: "nats.js", open: true, readable: true },
  ]);
  nc.publish("a", text.encode("b"));
  await nc.close();
});

test("the connection of a program that was killed goes with it; one that it makes anew does not", async () => {
  const { client, journal } = await scene({ jetstream: false });
  const first = await client("van 7");
  journal.note({ kind: "program", what: "killed", name: "drive", client: "van 7", detail: "SIGKILL" });
  await first.close();
  await journal.until(is("disconnect"), { what: "end", ...soon });
  const second = await client("van 7");
  await second.close();
  await journal.until(is("disconnect", { by: "client" }), { what: "end of the second", ...soon });
  expect(journal.of("disconnect")).toMatchObject([{ by: "kill" }, { by: "client" }]);
  expect(journal.by("van 7", "program", "disconnect").map(({ kind }) => kind)).toEqual([
    "program",
    "disconnect",
    "disconnect",
  ]);
});
