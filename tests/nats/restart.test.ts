// A server that is started again finds a port of its own taken, and goes to another one.
import type { Server } from "node:net";
import { connect } from "nats";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findProgram } from "../../checker/nats/install/find.ts";
import { NatsServer } from "../../checker/nats/server.ts";
import { takePort } from "./take-port.ts";

let server: NatsServer;
const others: Server[] = [];

beforeAll(async () => {
  server = await NatsServer.start(await findProgram("nats-server"));
});

afterAll(async () => {
  for (const other of others) other.close();
  await server?.close();
});

const monitorPort = () => Number(new URL(server.monitorUrl).port);

async function serves(): Promise<void> {
  const nc = await connect({ servers: server.url, ...server.user });
  await nc.flush();
  await nc.close();
  expect(await server.monitor("healthz")).toEqual({ status: "ok" });
}

test("it keeps its ports when nobody took them", async () => {
  const before = [server.port, monitorPort()];
  await server.restart();
  expect([server.port, monitorPort()]).toEqual(before);
  await serves();
});

test.each([
  ["the clients' port", true, false],
  ["the monitor's port", false, true],
  ["both", true, true],
])("%s taken meanwhile", async (_, clients, monitor) => {
  const before = { port: server.port, monitor: monitorPort() };
  await server.kill();
  if (clients) others.push(await takePort(before.port));
  if (monitor) others.push(await takePort(before.monitor));
  await server.restart();
  expect(server.port === before.port).toBe(!clients);
  expect(monitorPort() === before.monitor).toBe(!monitor);
  await serves();
});
