// A server that ends by itself is told apart from one that was ended.
import { expect, onTestFinished, test } from "vitest";
import { findProgram } from "../../checker/nats/install/find.ts";
import { NatsServer } from "../../checker/nats/server.ts";

test("only who ends without having been ended has died", async () => {
  const server = await NatsServer.start(await findProgram("nats-server"));
  onTestFinished(() => server.close());
  await server.kill();
  expect(server.died).toBeUndefined();
  await server.restart();
  process.kill(server.pid ?? 0, "SIGKILL");
  await server.ended;
  expect(server.died?.message).toMatch(/ended by itself in the middle of a check \(SIGKILL\): .+/);
  await server.restart();
  expect(server.died).toBeUndefined();
});
