// What a NATS Streaming server knows after it was killed, and how what its clients say reads in a journal.
import type { Message, Stan } from "node-nats-streaming";
import { afterAll, expect, onTestFinished, test, vi } from "vitest";
import { closeStreaming, connectStreaming } from "../../checker/kit/streaming-client.ts";
import { findProgram } from "../../checker/nats/install/find.ts";
import { reapAll } from "../../checker/nats/reaper.ts";
import { NatsServer } from "../../checker/nats/server.ts";
import { StreamingServer } from "../../checker/nats/streaming-server.ts";
import { describe as inWords } from "../../checker/wire/describe.ts";
import { Journal } from "../../checker/wire/journal.ts";
import { Relay } from "../../checker/wire/relay.ts";
import { publish, subscribe } from "./streaming-server.ts";

afterAll(reapAll);

async function scene() {
  const nats = await NatsServer.start(await findProgram("nats-server"));
  const program = await findProgram("nats-streaming-server");
  const streaming = await StreamingServer.start(program, { url: nats.url, user: nats.user });
  const journal = new Journal();
  const relay = await Relay.listen({ journal, target: () => ({ host: nats.host, port: nats.port }) });
  const { clusterId } = streaming;
  const client: Stan = await connectStreaming({
    clusterId,
    servers: `127.0.0.1:${relay.port}`,
    ...nats.user,
    name: "desk",
    ackTimeout: 300,
  });
  onTestFinished(async () => {
    if (streaming.running) await closeStreaming(client);
    await relay.close();
    await streaming.close();
    await nats.close();
  });
  return { streaming, client, journal };
}

const manual = (options: ReturnType<Stan["subscriptionOptions"]>) =>
  options.setDeliverAllAvailable().setManualAckMode(true).setAckWait(60_000);
const marks = (messages: readonly Message[]) =>
  messages.map((message) => `${message.getSequence()}${message.isRedelivered() ? " again" : ""}`);

test("subscriptions outlive a kill of the server, and what had no ack comes again without a mark", async () => {
  const { streaming, client } = await scene();
  await publish(client, "scans", "P-1");
  await publish(client, "scans", "P-2");
  const { got } = await subscribe(client, "scans", manual);
  await vi.waitFor(() => expect(marks(got)).toEqual(["1", "2"]), 20_000);
  got[0]?.ack();
  await vi.waitFor(
    async () => expect((await streaming.channel("scans"))?.subscriptions?.[0]?.pending_count).toBe(1),
    20_000,
  );
  await streaming.kill();
  await expect(publish(client, "scans", "P-3")).rejects.toThrow("stan: publish ack timeout");
  await streaming.restart();
  await publish(client, "scans", "P-4");
  // Of an ack that came shortly before, it may know nothing: then 1 comes again, too.
  await vi.waitFor(() => expect(marks(got).slice(-2)).toEqual(["2", "3"]), 20_000);
  expect(marks(got).filter((mark) => mark.endsWith("again"))).toEqual([]);
  // What was published while the server was away is nowhere.
  expect(got.map((message) => message.getData())).not.toContain("P-3");
});

test("the journal tells what a client says: channel, sequence, text, ack", async () => {
  const { client, journal } = await scene();
  await publish(client, "scans", "P-1");
  const { got, subscription } = await subscribe(client, "scans", (options) =>
    manual(options).setDurableName("customs").setMaxInFlight(3),
  );
  await vi.waitFor(() => expect(marks(got)).toEqual(["1"]), 20_000);
  got[0]?.ack();
  const closed = new Promise((resolve) => subscription.once("closed", resolve));
  subscription.close();
  await closed;
  await expect(subscribe(client, "scans.*")).rejects.toThrow("invalid subject");
  const told = journal.events
    .filter(({ of }) => of === "channel")
    .filter(({ kind }) => kind !== "api")
    .map((event) => inWords(event));
  expect(told).toEqual([
    "streaming connect desk: ok",
    'publish scans "P-1"',
    'PubAck: scans "P-1" stored',
    "streaming subscribe scans customs: ok",
    'delivery of scans "P-1", channel sequence 1, to customs',
    'ack of scans "P-1", channel sequence 1',
    "streaming close scans customs: ok",
    "streaming subscribe scans.* desk: refused, stan: invalid subject",
  ]);
  expect(journal.of("api", { call: "subscribe" })[0]?.text).toBe(
    '{"durable_name":"customs","max_in_flight":3,"ack_wait_s":60,"start":"first"}',
  );
});
