// What a learner may do on NATS: say things under their own name and hear what is said to them. Everything else is tried here, with
// real credentials on a real server.
import { rmSync } from "node:fs";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { createUser, decode, encodeUser } from "@nats-io/jwt";
import { connect, headers, jwtAuthenticator, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Authority, newSeeds } from "../../checker/classroom/authority.ts";
import { type OpenClassroom, openClassroom } from "../../checker/classroom/open.ts";
import { roomNames } from "../../checker/classroom/room.ts";
import { findProgram } from "../../checker/nats/install/find.ts";
import { reapAll } from "../../checker/nats/reaper.ts";
import { temporary, threePorts, until } from "./scene.ts";

const folder = temporary("rights");
process.env.LEARN_NATS_CLASSROOM = folder;

interface User {
  readonly id: string;
  readonly jwt: string;
  readonly seed: Uint8Array;
}

describe("a learner's rights", () => {
  let room: OpenClassroom;
  let port: number;
  let names: ReturnType<typeof roomNames>;
  let ana: User;
  let ben: User;
  const open: NatsConnection[] = [];

  beforeAll(async () => {
    port = await threePorts();
    room = await openClassroom({ port, readOnly: true, server: () => findProgram("nats-server") });
    names = roomNames(room.state.room);
    ana = await joined("Ana");
    ben = await joined("Ben");
  });
  afterAll(async () => {
    for (const nc of open) await nc.close();
    await room?.close();
    reapAll();
    rmSync(folder, { recursive: true, force: true });
  });

  async function joined(name: string): Promise<User> {
    const user = createUser();
    const { id, jwt } = await room.host.join(name, user.getPublicKey());
    return { id, jwt, seed: user.getSeed() };
  }

  async function online(user: Pick<User, "jwt" | "seed">): Promise<NatsConnection> {
    const nc = await connect({
      port: port + 1,
      authenticator: jwtAuthenticator(user.jwt, user.seed),
      reconnect: false,
      timeout: 5_000,
    });
    open.push(nc);
    return nc;
  }

  let message = 0;
  function hand(text: string, n: number): string {
    return JSON.stringify({ v: 1, n, ageMs: 0, body: { kind: "hand", up: true, text } });
  }
  function send(
    nc: NatsConnection,
    to: User,
    text: string,
    n: number,
    id = `id-${++message}-${Math.random()}`,
  ): void {
    const header = headers();
    header.set("Nats-Msg-Id", id);
    nc.publish(names.from(to.id), hand(text, n), { headers: header });
  }
  const counted = (user: User, n: number) =>
    until(`${n} of ${user.id}`, () => room.host.ledger.upTo(user.id) >= n);
  const handOf = (user: User) => room.host.ledger.summary(user.id)?.hand?.text;

  test("what they say under their own name is counted, and confirmed to them alone", async () => {
    const nc = await online(ana);
    const heard = nc.subscribe(names.to(ana.id), { max: 1 });
    send(nc, ana, "mine", 1);
    await counted(ana, 1);
    expect(handOf(ana)).toBe("mine");
    for await (const { data } of heard)
      expect(JSON.parse(new TextDecoder().decode(data))).toMatchObject({ upTo: 1 });
  });

  const publishes: [string, (other: User) => string][] = [
    ["write as another", (other) => names.from(other.id)],
    ["ask for another", (other) => names.ask(other.id)],
    ["speak for the host to another", (other) => names.to(other.id)],
    ["announce", () => names.toAll],
    ["give orders as the instructor", () => names.desk],
    ["write into the bucket", () => `$KV.${names.bucket}.room`],
    ["create a stream", () => "$JS.API.STREAM.CREATE.MINE"],
    ["delete the stream", () => `$JS.API.STREAM.DELETE.${names.stream}`],
    ["purge the stream", () => `$JS.API.STREAM.PURGE.${names.stream}`],
    ["read stored messages", () => `$JS.API.STREAM.MSG.GET.${names.stream}`],
    ["read the bucket directly", () => `$JS.API.DIRECT.GET.KV_${names.bucket}`],
    ["create a consumer", () => `$JS.API.CONSUMER.CREATE.${names.stream}`],
    ["ask the account", () => "$JS.API.INFO"],
    ["ask the system", () => "$SYS.REQ.SERVER.PING"],
    ["use a subject of no meaning", () => "hello"],
  ];
  test.each(publishes)("they cannot %s", async (_, subjectOf) => {
    const nc = await online(ana);
    const denied = nc.status()[Symbol.asyncIterator]();
    const before = room.host.ledger.upTo(ben.id);
    nc.publish(subjectOf(ben), hand("forged", 1));
    await nc.flush();
    const { value } = await denied.next();
    expect(String(value?.error)).toMatch(/Permissions Violation for Publish/);
    expect(room.host.ledger.upTo(ben.id)).toBe(before);
    expect(room.host.room.announcements).toEqual([]);
  });

  const subscriptions: [string, (other: User) => string][] = [
    ["others' results", (other) => names.from(other.id)],
    ["everything of the room", () => `classroom.${room.state.room}.>`],
    ["what is said to another", (other) => names.to(other.id)],
    ["the bucket", () => `$KV.${names.bucket}.>`],
    ["all replies", () => "_INBOX.>"],
    ["everything", () => ">"],
  ];
  test.each(subscriptions)("they cannot listen to %s", async (_, subjectOf) => {
    const nc = await online(ana);
    const outcome = new Promise<string>((resolve) => {
      nc.subscribe(subjectOf(ben), {
        callback: (error, heard) => resolve(error ? String(error) : heard.subject),
      });
    });
    send(await online(ben), ben, "secret", room.host.ledger.upTo(ben.id) + 1);
    expect(await outcome).toMatch(/Permissions Violation for Subscription/);
  });

  test("a reply address gets them nothing: the server answers to none", async () => {
    const nc = await online(ana);
    const bystander = await online(ben);
    const heard: string[] = [];
    bystander.subscribe(names.toAll, { callback: (_, got) => void heard.push(got.string()) });
    await bystander.flush();
    for (const reply of [names.toAll, `$KV.${names.bucket}.room`, `$JS.API.STREAM.PURGE.${names.stream}`]) {
      const n = room.host.ledger.upTo(ana.id) + 1;
      nc.publish(names.from(ana.id), hand("reply", n), { reply });
      await counted(ana, n);
    }
    await bystander.flush();
    expect(heard).toEqual([]);
    expect(room.host.room.announcements).toEqual([]);
  });

  test("an order that comes again, or out of its turn, counts once and in its turn", async () => {
    const nc = await online(ben);
    const n = room.host.ledger.upTo(ben.id);
    send(nc, ben, "second", n + 2);
    send(nc, ben, "third", n + 3, "same");
    send(nc, ben, "third again", n + 3, "same");
    send(nc, ben, "another third", n + 3);
    send(nc, ben, "first", n + 1);
    await counted(ben, n + 3);
    expect(handOf(ben)).toBe("third");
  });

  test("more than the message size ends their connection, and nobody else notices", async () => {
    const bystander = await online(ben);
    const nc = await online(ana);
    const before = room.host.ledger.upTo(ana.id);
    // A client that does not keep to what the server said.
    Object.assign(nc.info ?? {}, { max_payload: 1_000_000 });
    nc.publish(names.from(ana.id), new Uint8Array(100_000));
    expect(String(await nc.closed())).toMatch(/payload|ECONNRESET/i);
    expect(room.host.ledger.upTo(ana.id)).toBe(before);
    const n = room.host.ledger.upTo(ben.id) + 1;
    send(bystander, ben, "still here", n);
    await counted(ben, n);
  });

  test("they cannot have more than eight subscriptions", async () => {
    const nc = await online(ana);
    const told = (async () => {
      for await (const status of nc.status()) if (status.type === "error") return String(status.error);
      return String(await nc.closed());
    })();
    for (let i = 0; i < 12; i++) nc.subscribe(names.toAll);
    expect(await told).toMatch(/subscriptions/i);
  });

  test("what is not understood is counted as that, and holds nothing up", async () => {
    const nc = await online(ana);
    const first = room.host.ledger.upTo(ana.id) + 1;
    const bodies = [
      {
        kind: "result",
        lesson: "../../etc",
        status: "pass",
        ms: 1,
        checks: [],
        hints: {},
        course: "",
        server: "",
      },
      { kind: "hand", up: true, text: "\u001b[2Jhello" },
      { kind: "share", lesson: "lesson-01", code: "x".repeat(40_000) },
      { kind: "nothing that we know" },
      null,
    ];
    bodies.forEach((body, i) => {
      nc.publish(names.from(ana.id), JSON.stringify({ v: 1, n: first + i, ageMs: 0, body }));
    });
    for (const junk of [
      "{",
      "",
      "null",
      "[]",
      '{"v":1}',
      '{"v":1,"n":-1}',
      '{"v":1,"n":1e99,"body":{}}',
      "\u0000",
    ])
      nc.publish(names.from(ana.id), junk);
    await counted(ana, first + bodies.length - 1);
    expect(room.host.ledger.summary(ana.id)?.refused).toBe(bodies.length);
    send(nc, ana, "well again", first + bodies.length);
    await counted(ana, first + bodies.length);
    expect(handOf(ana)).toBe("well again");
  });

  const tokens: [string, () => Promise<Pick<User, "jwt" | "seed">>][] = [
    [
      "of another classroom",
      async () => {
        const user = createUser();
        const jwt = await Authority.of(newSeeds()).learner(names, ana.id, user.getPublicKey());
        return { jwt, seed: user.getSeed() };
      },
    ],
    ["of another learner, without its key", async () => ({ jwt: ben.jwt, seed: ana.seed })],
    [
      "that was changed",
      async () => {
        const [head, body = "", signature] = ana.jwt.split(".");
        const claims = JSON.parse(Buffer.from(body, "base64url").toString());
        claims.nats.pub.allow = [">"];
        return {
          jwt: [head, Buffer.from(JSON.stringify(claims)).toString("base64url"), signature].join("."),
          seed: ana.seed,
        };
      },
    ],
    [
      "that they signed themselves",
      async () => {
        const user = createUser();
        const { createAccount } = await import("@nats-io/jwt");
        return { jwt: await encodeUser("me", user, createAccount(), {}), seed: user.getSeed() };
      },
    ],
    [
      "that has run out",
      async () => {
        const user = createUser();
        const { fromSeed } = await import("@nats-io/jwt");
        const account = fromSeed(new TextEncoder().encode(room.state.seeds.account));
        return {
          jwt: await encodeUser("late", user, account, {}, { exp: 1_600_000_000 }),
          seed: user.getSeed(),
        };
      },
    ],
  ];
  test.each(tokens)("a token %s opens nothing", async (_, make) => {
    await expect(online(await make())).rejects.toThrow(/Authorization|authentication|expired/i);
  });

  test("the secret half of a learner's key is never with the host", () => {
    expect(decode(ana.jwt).sub).toMatch(/^U/);
    expect(JSON.stringify(room.state)).not.toContain(new TextDecoder().decode(ana.seed));
  });

  test("the stream holds to its limits, whoever fills it", async () => {
    const credentials = await Authority.of(room.state.seeds).host();
    const nc = await online({ jwt: credentials.jwt, seed: new TextEncoder().encode(credentials.seed) });
    const { config } = await (await jetstreamManager(nc)).streams.info(names.stream);
    expect(config).toMatchObject({
      no_ack: true,
      discard: "new",
      discard_new_per_subject: true,
      max_msgs_per_subject: 5_000,
    });
    expect(jetstream(nc)).toBeDefined();
  });
});
