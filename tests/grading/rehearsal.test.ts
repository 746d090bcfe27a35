// A host that waits for its program rehearses; nothing of it is left, in the process or on the server.
import { afterAll, expect, test } from "vitest";
import { Channel } from "../../checker/kit/channel.ts";
import { HostProcess } from "../../checker/kit/host-process.ts";
import { findProgram } from "../../checker/nats/install/find.ts";
import { NatsServer } from "../../checker/nats/server.ts";

const server = await NatsServer.start(await findProgram("nats-server"));
const host = new HostProcess();
afterAll(async () => {
  host.end();
  await server.close();
});

test("a rehearsal uses core and JetStream, and leaves nothing behind", async () => {
  await host.rehearse({ servers: server.url, ...server.user });
  const { total_connections: total, in_msgs: messages } =
    await server.monitor<Record<string, number>>("varz");
  expect(total, "connections that there were").toBeGreaterThan(0);
  expect(messages, "messages that were sent").toBeGreaterThan(15);
  await expect.poll(() => server.monitor("connz"), { timeout: 10_000 }).toMatchObject({ num_connections: 0 });
  expect(await server.monitor("jsz")).toMatchObject({ streams: 0, consumers: 0 });

  const told: string[] = [];
  const channel = new Channel((line) => host.write(line), {
    call: () => {},
    event: (name) => void told.push(name),
    error: (error) => error as Error,
  });
  host.listen((line) => channel.receive(line));
  const { resources } = (await channel.call("host:look", [])) as { resources: string[] };
  expect(resources.filter((name) => /TCP|Timeout/.test(name))).toEqual([]);
  // Whom a rehearsal dials is not told as something that a program did.
  expect(told).toEqual(["ready", "rehearsed"]);
});

test("who goes away while it rehearses is not waited for", async () => {
  const other = new HostProcess();
  const rehearsal = other.rehearse({ servers: "nats://127.0.0.1:1" });
  other.end();
  await rehearsal;
  expect(await other.exited).toMatchObject({ signal: "SIGKILL" });
});
