// The reader of the protocol: the same frames whatever way the bytes are cut, and never an exception.
import fc from "fast-check";
import { connect, headers } from "nats";
import { beforeAll, describe, expect, test } from "vitest";
import { findProgram } from "../../checker/nats/install/find.ts";
import { NatsServer } from "../../checker/nats/server.ts";
import type { Direction, Frame, MessageFrame, Unreadable } from "../../checker/wire/frames.ts";
import { headerPrefix, payloadPrefix, WireReader } from "../../checker/wire/parser.ts";
import { recordTraffic } from "./scene.ts";

interface Reading {
  frames: Frame[];
  unreadable: Unreadable[];
  reader: WireReader;
}

function reading(direction: Direction, chunks: Iterable<Buffer>): Reading {
  const frames: Frame[] = [];
  const unreadable: Unreadable[] = [];
  const reader = new WireReader(direction, {
    frame: (frame) => {
      // A message is good only during the call.
      if (!("bytes" in frame)) return void frames.push({ ...frame });
      const { bytes, headerAt, headerLength, payloadAt, payloadLength } = frame;
      const kept = Buffer.concat([
        bytes.subarray(headerAt, headerAt + headerLength),
        bytes.subarray(payloadAt, payloadAt + payloadLength),
      ]);
      frames.push({ ...frame, bytes: kept, headerAt: 0, payloadAt: headerLength });
    },
    unreadable: (why) => void unreadable.push(why),
  });
  for (const chunk of chunks) reader.feed(chunk);
  return { frames, unreadable, reader };
}

function* cut(bytes: Buffer, lengths: number[]): Generator<Buffer> {
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const next = at + (lengths[i % lengths.length] ?? 1);
    yield bytes.subarray(at, next);
    at = next;
  }
}

const ops = ({ frames }: Reading) => frames.map((frame) => frame.op);

describe("recorded traffic of a real client and server", () => {
  let traffic: { toServer: Buffer; toClient: Buffer };

  beforeAll(async () => {
    const server = await NatsServer.start(await findProgram("nats-server"));
    try {
      traffic = await recordTraffic(server, async (port) => {
        const nc = await connect({ servers: `127.0.0.1:${port}`, ...server.user, name: "Zoë's worker" });
        const jsm = await nc.jetstreamManager();
        await jsm.streams.add({ name: "PARCELS", subjects: ["parcel.>"] });
        await jsm.consumers.add("PARCELS", { durable_name: "worker", ack_policy: "explicit" as never });
        const header = headers();
        header.set("Depot", "Amsterdam");
        for (const payload of ["", "p1", "\r\n", "PUB a 3\r\n", "é".repeat(600), "x".repeat(5000)]) {
          await nc
            .jetstream()
            .publish("parcel.ams.scan", payload, { msgID: `id-${payload.length}`, headers: header });
          await nc.jetstream().publish("parcel.rtm.scan", Buffer.from(payload));
        }
        await nc.jetstream().publish(
          "parcel.big",
          new Uint8Array(200_000).map((_, i) => i * 7),
        );
        const messages = await (await nc.jetstream().consumers.get("PARCELS", "worker")).fetch({
          max_messages: 13,
          expires: 5000,
        });
        for await (const message of messages) message.ack();
        await nc.drain();
      });
    } finally {
      await server.close();
    }
  });

  test.each(["toServer", "toClient"] as const)(
    "%s: is read the same in whatever way it is cut",
    (direction) => {
      const bytes = traffic[direction];
      const whole = reading(direction, [bytes]);
      expect(whole.unreadable).toEqual([]);
      expect(whole.frames.at(-1)?.end).toBe(bytes.length);
      expect(new Set(ops(whole)).size).toBeGreaterThan(4);
      fc.assert(
        fc.property(
          fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 40 }),
          (lengths) => {
            expect(reading(direction, cut(bytes, lengths)).frames).toEqual(whole.frames);
          },
        ),
        { numRuns: 60 },
      );
      expect(reading(direction, cut(bytes, [1])).frames).toEqual(whole.frames);
    },
  );

  test.each(["toServer", "toClient"] as const)(
    "%s: a wrong byte anywhere never throws, and is reported at most once",
    (direction) => {
      const bytes = traffic[direction];
      fc.assert(
        fc.property(
          fc.nat(bytes.length - 1),
          fc.integer({ min: 0, max: 255 }),
          fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 10 }),
          (at, value, lengths) => {
            const broken = Buffer.from(bytes);
            broken[at] = value;
            const { unreadable, reader, frames } = reading(direction, cut(broken, lengths));
            expect(unreadable.length).toBe(reader.readable ? 0 : 1);
            expect(reader.position).toBe(bytes.length);
            for (const frame of frames) expect(frame.end).toBeLessThanOrEqual(bytes.length);
          },
        ),
        { numRuns: 200 },
      );
    },
  );
});

test("bytes that are no protocol never throw, and are reported once", () => {
  fc.assert(
    fc.property(
      fc.constantFrom<Direction>("toServer", "toClient"),
      fc.array(fc.uint8Array({ minLength: 1 }), { maxLength: 10 }),
      (direction, chunks) => {
        const { unreadable, reader } = reading(
          direction,
          chunks.map((chunk) => Buffer.from(chunk)),
        );
        expect(unreadable.length).toBe(reader.readable ? 0 : 1);
      },
    ),
  );
});

test("lines that look nearly right are not read", () => {
  for (const line of [
    "PUB a\r\n",
    "PUB a b c 3\r\n",
    "PUB a -1\r\n",
    "PUB a 1e3\r\n",
    "HPUB a 5 3\r\n",
    "SUB a\r\n",
    "UNSUB\r\n",
    "MSG a 1 0\r\n\r\n",
    "PUBB a 0\r\n",
    "PUB a 2\r\nabc\r\n",
    "UNSUB 1 x\r\n",
  ]) {
    expect(reading("toServer", [Buffer.from(line)]).unreadable, line).toHaveLength(1);
    expect(reading("toServer", cut(Buffer.from(line), [1])).unreadable, line).toHaveLength(1);
  }
});

test("operations are read in any case, with any spaces and tabs between arguments", () => {
  const { frames, unreadable } = reading("toServer", [
    Buffer.from("sub  foo\tworkers   7 \r\nPub foo \t 2\r\nhi\r\nunsub 7 10\r\nping\r\n"),
  ]);
  expect(unreadable).toEqual([]);
  expect(frames).toMatchObject([
    { op: "SUB", subject: "foo", queue: "workers", sid: "7" },
    { op: "PUB", subject: "foo", reply: undefined, size: 2 },
    { op: "UNSUB", sid: "7", max: 10 },
    { op: "PING" },
  ]);
});

test("a space in a subject makes its second half the reply subject, as it does on the server", () => {
  expect(reading("toServer", [Buffer.from("PUB foo bar 2\r\nhi\r\n")]).frames).toMatchObject([
    { subject: "foo", reply: "bar" },
  ]);
});

test("of a payload of 64 MB only the beginning is kept", () => {
  const size = 64 * 1024 * 1024;
  const head = Buffer.from(`HPUB big 9000 ${size}\r\n`);
  const chunk = Buffer.alloc(64 * 1024, 7);
  const frames: Frame[] = [];
  const reader = new WireReader("toServer", {
    frame: (frame) => void frames.push({ ...frame }),
    unreadable: (why) => expect.unreachable(why.detail),
  });
  reader.feed(head);
  for (let fed = 0; fed < size; fed += chunk.length) reader.feed(chunk);
  reader.feed(Buffer.from("\r\nPING\r\n"));
  expect(frames).toMatchObject([
    { op: "HPUB", size: size - 9000, headerSize: 9000, end: head.length + size + 2 },
    { op: "PING" },
  ]);
  const [message] = frames as [MessageFrame];
  expect(message.payloadLength).toBe(payloadPrefix);
  expect(message.headerLength).toBe(headerPrefix);
});

test("a TLS handshake is recognised, at once or after INFO", () => {
  const hello = Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1]);
  expect(reading("toServer", [hello]).unreadable).toMatchObject([{ reason: "tls", at: 0 }]);
  const info = Buffer.from('INFO {"tls_required":true}\r\n');
  expect(reading("toClient", [info, hello]).unreadable).toMatchObject([{ reason: "tls", at: info.length }]);
});

test("a line without an end is given up, not collected for ever", () => {
  const { reader, unreadable } = reading("toServer", cut(Buffer.alloc(3 * 1024 * 1024, "P"), [64 * 1024]));
  expect(reader.readable).toBe(false);
  expect(unreadable[0]?.at).toBeLessThan(2 * 1024 * 1024);
});
