// How a verdict shows events on the wire: few, in order, and each in one line that says its point.
import { expect, test } from "vitest";
import { isFromTheWire, proof, settingLine, wireLine } from "../../checker/kit/evidence.ts";
import type { EventOf, WireEvent } from "../../checker/wire/events.ts";

const publish = (index: number, text = `P-${index}`): WireEvent => ({
  index,
  at: index * 10,
  connection: 1,
  client: "depot",
  kind: "publish",
  subject: "parcel.ams.in",
  reply: undefined,
  size: text.length,
  text,
  msgId: undefined,
  headers: undefined,
  answers: undefined,
});

test("a few events are all shown, in the order of happening, each once", () => {
  const [one, two] = [publish(1), publish(2)];
  expect(proof([two, one, two])).toEqual([
    '+10 ms  depot: publish parcel.ams.in "P-1"',
    '+20 ms  depot: publish parcel.ams.in "P-2"',
  ]);
});

test("of many events the first and the last are shown, and the others counted", () => {
  const lines = proof(Array.from({ length: 60 }, (_, i) => publish(i + 1)));
  expect(lines).toHaveLength(5);
  expect(lines[3]).toBe("… and 56 more, the last:");
  expect(lines[4]).toContain("P-60");
  expect(lines.filter(isFromTheWire)).toHaveLength(4);
});

test("a long payload gives way to what the line says at its end", () => {
  const lost: WireEvent = { ...publish(1, "x".repeat(200)), client: "a terminal far away", kept: "dropped" };
  const line = wireLine(lost);
  expect(line.length).toBeLessThanOrEqual(92);
  expect(line).toMatch(/…" \(lost on the way\)$/);
});

test("a setting is shown as the request to the server has it", () => {
  const api: EventOf<"api"> = {
    index: 1,
    at: 3,
    client: "hub",
    kind: "api",
    call: "STREAM.CREATE",
    about: ["SCANS"],
    text: '{"name":"SCANS","subjects":["parcel.*.in","parcel.*.out"],"max_age":172800000}',
  };
  expect(settingLine(api, "max_age")).toBe("+3 ms  hub: API STREAM.CREATE SCANS, max_age 172800000");
  expect(settingLine(api, "subjects")).toContain('subjects ["parcel.*.in","parcel.*.out"]');
  expect(settingLine(api, "max_msgs")).toMatch(/max_msgs not set$/);
});
