// What lesson 09 claims about subjects and does not show by a program on its page or by a mistake.
import { connect as connectV3, type NatsConnection as NatsConnectionV3 } from "@nats-io/transport-node";
import { connect } from "nats";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { findProgram } from "../../checker/nats/install/find.ts";
import { reapAll } from "../../checker/nats/reaper.ts";
import { NatsServer } from "../../checker/nats/server.ts";

afterAll(reapAll);

async function scene() {
  const server = await NatsServer.start(await findProgram("nats-server"));
  onTestFinished(() => server.close());
  const nc = await connect({ servers: server.url, ...server.user });
  onTestFinished(() => nc.close());
  return { server, nc };
}

test("version 3 throws when there is a blank in a subject, and looks at nothing else", async () => {
  const { server } = await scene();
  const nc: NatsConnectionV3 = await connectV3({ servers: server.url, ...server.user });
  onTestFinished(() => nc.close());
  const blank = expect.objectContaining({ name: "InvalidSubjectError" });
  expect(() => nc.publish("parcel.Bad Homburg.in")).toThrow(blank);
  expect(() => nc.subscribe("parcel.Bad Homburg.>")).toThrow(blank);
  for (const subject of ["parcel..in", "parcel.ams.", "parcel.*.in", "parcel.>.in"]) nc.publish(subject);
  nc.subscribe("parcel.>.in");
  await nc.flush();
  expect(nc.isClosed()).toBe(false);
});

test("what was published with a line that the server cannot read is lost with the connection", async () => {
  const { server, nc } = await scene();
  const heard: string[] = [];
  const depot = await connect({ servers: server.url, ...server.user });
  onTestFinished(() => depot.close());
  nc.subscribe(">", { callback: (_, message) => void heard.push(message.string()) });
  await nc.flush();
  depot.publish("parcel.St Anton am Arlberg.in", "P-1");
  depot.publish("parcel.ams.in", "P-2");
  await expect(depot.flush()).rejects.toMatchObject({ code: "DISCONNECT" });
  await nc.flush();
  expect(heard).toEqual([]);
});
