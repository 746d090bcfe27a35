// What people and programs may send to the classroom's pages, and how each is answered.
import { rmSync } from "node:fs";
import { request } from "node:http";
import { createUser } from "@nats-io/jwt";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type OpenClassroom, openClassroom } from "../../checker/classroom/open.ts";
import { findProgram } from "../../checker/nats/install/find.ts";
import { reapAll } from "../../checker/nats/reaper.ts";
import { temporary, threePorts } from "./scene.ts";

const folder = temporary("input");
process.env.LEARN_NATS_CLASSROOM = folder;

describe("what is sent to the classroom", () => {
  let room: OpenClassroom;
  let port: number;
  beforeAll(async () => {
    port = await threePorts();
    room = await openClassroom({
      host: "0.0.0.0",
      port,
      readOnly: true,
      server: () => findProgram("nats-server"),
    });
  });
  afterAll(async () => {
    await room?.close();
    reapAll();
    rmSync(folder, { recursive: true, force: true });
  });

  interface Sent {
    readonly path?: string;
    readonly method?: string;
    readonly body?: string;
    readonly headers?: Record<string, string>;
    /** The loopback network has many addresses: each can be somebody else. */
    readonly from?: string;
  }
  function send({ path = "/api/join", method = "POST", body = "", headers = {}, from }: Sent) {
    return new Promise<{ status: number; text: string; headers: Record<string, unknown> }>(
      (resolve, reject) => {
        const asked = request(
          {
            port,
            path,
            method,
            host: "127.0.0.1",
            headers: { "content-type": "application/json", ...headers },
            ...(from && { localAddress: from }),
          },
          (response) => {
            let text = "";
            response.on("data", (part) => {
              text += part;
            });
            response.on("end", () =>
              resolve({ status: response.statusCode ?? 0, text, headers: response.headers }),
            );
          },
        );
        asked.on("error", reject);
        asked.end(body);
      },
    );
  }
  const key = () => createUser().getPublicKey();
  const join = (name: unknown, more: object = {}) =>
    send({ body: JSON.stringify({ name, code: room.state.code, key: key(), ...more }) });

  test.each([
    ["a plain name", "Ana"],
    ["another alphabet, from right to left", "ليلى"],
    ["emoji of several characters", "Zoë 👩🏽‍💻"],
    ["marks of a name", "Seán O'Brien-Núñez Jr."],
    ["spaces at its ends", "  Ben  "],
  ])("a name: %s is taken", async (_, name) => {
    const { status, text } = await join(name);
    expect(status).toBe(200);
    expect(JSON.parse(text).name).toBe(name.trim());
  });

  test.each([
    ["empty", "", /empty/],
    ["only spaces", " \u00a0 ", /empty/],
    ["only invisible characters", "\u200b\u200b", /cannot be seen/],
    ["HTML", "<img src=x onerror=alert(1)>", /< or >/],
    ["10,000 characters", "x".repeat(5_000), /too long/],
    ["characters that turn the line around", "Ana\u202etxt", /cannot be seen/],
    ["control characters", "Ana\u001b[2J", /cannot be seen/],
    ["half a character", "Ana\ud800", /cannot be seen/],
    ["a tower of marks", `A${"\u0301".repeat(20)}`, /marks/],
    ["only punctuation", "…!", /letter/],
    ["a number", 7, /needed/],
    ["a list", ["Ana"], /needed/],
    ["nothing", undefined, /needed/],
  ])("a name: %s is refused, and told why", async (_, name, why) => {
    const before = room.host.learners;
    const { status, text } = await join(name);
    expect(status).toBe(400);
    expect(JSON.parse(text).error).toMatch(why);
    expect(room.host.learners).toBe(before);
  });

  test("a name that is taken, in whatever spelling, is refused", async () => {
    expect((await join("Maria Lopez")).status).toBe(200);
    for (const name of ["Maria Lopez", "maria lopez", "MARIA  LOPEZ", "Ｍaria Lopez", "Maria\u200dLopez"]) {
      const { status, text } = await join(name);
      expect([name, status]).toEqual([name, 409]);
      expect(JSON.parse(text).error).toMatch(/taken/);
    }
  });

  test("of many who want one name at the same time, one has it", async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => join("Zoe")));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(19);
  });

  test("the same key again is the same learner: an answer may get lost", async () => {
    const mine = { key: key() };
    const [first, again] = [await join("Twice", mine), await join("Twice", mine)];
    expect(JSON.parse(again.text).id).toBe(JSON.parse(first.text).id);
    expect((await join("Somebody else", mine)).status).toBe(409);
  });

  test.each([
    ["malformed JSON", { body: "{" }, 400],
    ["no JSON at all", { body: "" }, 400],
    ["a list", { body: "[]" }, 400],
    ["a prototype", { body: '{"__proto__":{"code":"x"}}' }, 400],
    ["a wrong key", { body: JSON.stringify({ name: "A", code: "x", key: "U123" }) }, 400],
    ["100 kB", { body: JSON.stringify({ name: "x".repeat(100_000) }) }, 413],
    [
      "a form of another site",
      { body: "name=a", headers: { "content-type": "application/x-www-form-urlencoded" } },
      415,
    ],
    ["another site's name", { headers: { host: "evil.example" } }, 421],
    ["a method of no use", { method: "DELETE", path: "/" }, 405],
    ["a path out of the site", { method: "GET", path: "/course/../../package.json" }, 404],
    ["an encoded path out of the site", { method: "GET", path: "/course/%2e%2e/%2e%2e/package.json" }, 404],
    ["a path out of the timelines", { method: "GET", path: "/timelines/..%2f..%2f/package.svg" }, 404],
    ["a hidden file of the site", { method: "GET", path: "/course/.nojekyll" }, 404],
  ] as [string, Sent, number][])("%s is refused", async (_, sent, status) => {
    const answer = await send(sent);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.text).error).toMatch(/\.$/);
  });

  test("pages run no script but their own, and talk to nobody else", async () => {
    const { headers } = await send({ method: "GET", path: "/dashboard" });
    expect(headers["content-security-policy"]).toBe(
      `default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' ws://127.0.0.1:${port + 2}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    );
  });

  test("the instructor's token is asked for, and a learner's things do not replace it", async () => {
    const inbox = `_INBOX_${"1".repeat(20)}`;
    for (const token of ["", "x", room.state.code, undefined, null, [room.state.token]]) {
      const { status } = await send({
        path: "/api/desk",
        body: JSON.stringify({ token, inbox }),
        from: "127.0.0.3",
      });
      expect(status).toBe(403);
    }
    const { token } = room.state;
    for (const wrong of ["_INBOX.>", ">", "_INBOX_*", `_INBOX_${"1".repeat(15)}.>`])
      expect((await send({ path: "/api/desk", body: JSON.stringify({ token, inbox: wrong }) })).status).toBe(
        400,
      );
    expect((await send({ path: "/api/desk", body: JSON.stringify({ token, inbox }) })).status).toBe(200);
  });

  test.skipIf(process.platform !== "linux")(
    "codes cannot be guessed: an address waits after ten wrong ones, and only that one",
    async () => {
      const guess = (from: string, code: string) =>
        send({ from, body: JSON.stringify({ name: `Guest ${Math.random()}`, code, key: key() }) });
      for (let i = 0; i < 10; i++) expect((await guess("127.0.0.7", `WRONG${i}`)).status).toBe(403);
      const refused = await guess("127.0.0.7", room.state.code);
      expect(refused.status).toBe(429);
      expect(Number(refused.headers["retry-after"])).toBeGreaterThan(0);
      expect((await guess("127.0.0.8", room.state.code.toLowerCase())).status).toBe(200);
    },
  );
});
