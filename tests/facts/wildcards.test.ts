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
  for (const subject of ["parcel.Bad Homburg.in", "parcel.Bad\tHomburg.in", "parcel.Bad\nHomburg.in"])
    expect(() => nc.publish(subject)).toThrow(blank);
  expect(() => nc.subscribe("parcel.Bad Homburg.>")).toThrow(blank);
  for (const subject of ["parcel..in", "parcel.ams.", "parcel.*.in", "parcel.>.in"]) nc.publish(subject);
  nc.subscribe("parcel.>.in");
  await nc.flush();
  expect(nc.isClosed()).toBe(false);
});

test("a tab ends a subject as a blank does, and the client looks only whether there is a subject", async () => {
  const { nc } = await scene();
  const heard: string[] = [];
  nc.subscribe(">", { callback: (_, { subject, reply }) => void heard.push(`${subject} ${reply}`) });
  nc.publish("parcel.Bad\tHomburg.in");
  await nc.flush();
  expect(heard).toEqual(["parcel.Bad Homburg.in"]);
  expect(() => nc.publish("")).toThrow(/BAD_SUBJECT/);
  expect(() => nc.subscribe("")).toThrow(/BAD_SUBJECT/);
});
