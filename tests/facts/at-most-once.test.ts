// What lesson 01 claims about NATS and does not show by a program on its page or by a mistake.
import { connect, type NatsConnection } from "nats";
import { afterAll, expect, test } from "vitest";
import { findProgram } from "../../checker/nats/install/find.ts";
import { reapAll } from "../../checker/nats/reaper.ts";
import { NatsServer } from "../../checker/nats/server.ts";

afterAll(reapAll);

test("what is published while there is no connection is thrown away with the next attempt to connect", async () => {
  const server = await NatsServer.start(await findProgram("nats-server"));
  const nc = await connect({
    servers: server.url,
    ...server.user,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 20,
    reconnectJitter: 0,
  });
  const lost = seen(nc, "disconnect");
  const back = seen(nc, "reconnect");
  await server.kill();
  await lost;
  for (let no = 1; no <= 5; no++) nc.publish("parcel.ams.in", `P-${no}`);
  // An attempt that had begun before takes them along, if it gets through. The next one begins with nothing.
  await seen(nc, "reconnecting");
  await server.restart();
  await back;
  const before = nc.stats().inMsgs;
  nc.subscribe("parcel.>", { callback: () => {} });
  nc.publish("parcel.ams.in", "P-6");
  await nc.flush();
  const { in_msgs: received } = await server.monitor<{ in_msgs: number }>("varz");
  expect(received, "messages that the server got since it is back").toBe(1);
  expect(nc.stats().inMsgs - before).toBe(1);
  await nc.close();
  await server.close();
});

test("the client tries ten times, two seconds apart, unless it is told otherwise", async () => {
  const server = await NatsServer.start(await findProgram("nats-server"));
  const nc = await connect({ servers: server.url, ...server.user });
  // The client keeps the options that it was made with, defaults included.
  const { options } = (nc as unknown as { protocol: { options: Record<string, unknown> } }).protocol;
  expect(options).toMatchObject({ maxReconnectAttempts: 10, reconnectTimeWait: 2_000 });
  await nc.close();
  await server.close();
});

test("a request that is not told how long to wait waits for a second", async () => {
  const server = await NatsServer.start(await findProgram("nats-server"));
  const nc = await connect({ servers: server.url, ...server.user });
  nc.subscribe("depot.rtm.open", { callback: () => {} });
  await nc.flush();
  const ended: string[] = [];
  const asked = async (name: string, options?: { timeout: number }) => {
    const from = performance.now();
    await expect(nc.request("depot.rtm.open", "", options)).rejects.toMatchObject({ code: "TIMEOUT" });
    ended.push(name);
    return performance.now() - from;
  };
  // Timers end in the order in which they are due, however busy the machine is.
  const longer = asked("1.2 s", { timeout: 1_200 });
  expect(await asked("not told")).toBeGreaterThan(990);
  await longer;
  expect(ended).toEqual(["not told", "1.2 s"]);
  await nc.close();
  await server.close();
});

/** Resolves when the connection reports this; begin before it can happen. */
async function seen(nc: NatsConnection, type: string): Promise<void> {
  for await (const status of nc.status()) if (status.type === type) return;
}
