// What lesson 11 claims about accounts and does not show by a program on its page or by a mistake.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { connect, type NatsConnection } from "nats";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { findProgram } from "../../checker/nats/install/find.ts";
import { reapAll } from "../../checker/nats/reaper.ts";
import { NatsServer } from "../../checker/nats/server.ts";

afterAll(reapAll);

async function scene(accounts: string) {
  const server = await NatsServer.start(await findProgram("nats-server"), { accounts });
  onTestFinished(() => server.close());
  const as = async (user: string): Promise<NatsConnection> => {
    const nc = await connect({ servers: server.url, user, pass: "p", timeout: 30_000 });
    onTestFinished(() => nc.close());
    return nc;
  };
  return { server, as };
}

const customsFor = (...names: string[]) => `CUSTOMS {
  users: [ { user: customs, password: p } ]
  exports: [ ${names.map((name) => `{ service: "customs.check.${name}", accounts: [${name}] }`).join("\n")} ]
}`;

const carrier = (name: string, more = "") => `${name} {
  users: [ { user: ${name}, password: p } ]
  imports: [ { service: { account: CUSTOMS, subject: "customs.check.${name}" }, to: "customs.check" } ]
  ${more}
}`;

const hub = (...names: string[]) =>
  `accounts { ${names.map((name) => carrier(name)).join("\n")}\n ${customsFor(...names)} }`;

test("who may still be there stays connected when the accounts change", async () => {
  const { server, as } = await scene(hub("north"));
  const north = await as("north");
  const customs = await as("customs");
  const heard: string[] = [];
  customs.subscribe("customs.check.*", {
    callback: (_, question) => {
      heard.push(question.subject);
      question.respond("yes");
    },
  });
  await customs.flush();
  let cut = 0;
  for (const nc of [north, customs])
    void (async () => {
      for await (const { type } of nc.status()) if (type === "disconnect") cut++;
    })();
  expect(await server.setAccounts(hub("east", "north"))).toBeUndefined();
  const east = await as("east");
  for (const nc of [north, east])
    expect((await nc.request("customs.check", "P-1", { timeout: 30_000 })).string()).toBe("yes");
  expect(heard).toEqual(["customs.check.north", "customs.check.east"]);
  expect(cut).toBe(0);
});

test.skipIf(process.platform === "win32")(
  "the service that a new account imports has no responders until the server is told twice",
  async () => {
    // By hand, because setAccounts tells the server twice. What is included stands beside the server's own folder.
    const folder = mkdtempSync(join(tmpdir(), "learn-nats-accounts-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, "accounts.conf");
    writeFileSync(file, hub("north"));
    const server = await NatsServer.start(await findProgram("nats-server"), {
      ownAccounts: true,
      config: `authorization { timeout: 30 }\ninclude "../${basename(folder)}/accounts.conf"`,
    });
    onTestFinished(() => server.close());
    const tell = async () => {
      const reloads = () =>
        server.log.filter((line) => line.includes("Reloaded server configuration")).length;
      const before = reloads();
      process.kill(server.pid as number, "SIGHUP");
      await expect.poll(reloads, { timeout: 30_000 }).toBeGreaterThan(before);
    };
    const as = async (user: string) => {
      const nc = await connect({ servers: server.url, user, pass: "p", timeout: 30_000 });
      onTestFinished(() => nc.close());
      return nc;
    };
    const customs = await as("customs");
    customs.subscribe("customs.check.*", { callback: (_, question) => void question.respond("yes") });
    await customs.flush();
    writeFileSync(file, hub("east", "north"));
    await tell();
    const east = await as("east");
    const ask = () => east.request("customs.check", "P-1", { timeout: 30_000 });
    await expect(ask()).rejects.toMatchObject({ code: "503" });
    await tell();
    expect((await ask()).string()).toBe("yes");
  },
);

test("accounts that the server does not take change nothing, and it says why", async () => {
  const { server, as } = await scene(hub("north"));
  const refused = [
    ["accounts { A { usrs: [ { user: a, password: p } ] } }", /unknown field "usrs"/],
    ["accounts { A { users: [ { user: a, password: 12 } ] } }", /int64, not string/],
    // What is not exported to an account it cannot import.
    [
      `accounts { ${carrier("south")}\n ${customsFor("south").replace("[south]", "[CUSTOMS]")} }`,
      /not authorized/,
    ],
  ] as const;
  for (const [text, why] of refused) expect(await server.setAccounts(text)).toMatch(why);
  expect((await as("north")).isClosed()).toBe(false);
});

test("an account whose block only enables JetStream has no limit of its own", async () => {
  const limits = async (block: string) => {
    const { as } = await scene(`accounts { A { jetstream: ${block}, users: [ { user: a, password: p } ] } }`);
    const manager = await (await as("a")).jetstreamManager();
    const { max_storage, max_memory } = (await manager.getAccountInfo()).limits;
    return { max_storage, max_memory };
  };
  expect(await limits("enabled")).toEqual({ max_storage: -1, max_memory: -1 });
  expect(await limits("{ max_file: 60000 }")).toEqual({ max_storage: 60_000, max_memory: -1 });
  expect(await limits("{ max_file: 60000, max_mem: 1000 }")).toEqual({
    max_storage: 60_000,
    max_memory: 1_000,
  });
});

test("what one account exports as a stream, the other hears and cannot answer into", async () => {
  const { as } = await scene(`accounts {
    A { users: [ { user: a, password: p } ], exports: [ { stream: "news.>" } ] }
    B { users: [ { user: b, password: p } ], imports: [ { stream: { account: A, subject: "news.>" } } ] }
  }`);
  const a = await as("a");
  const b = await as("b");
  const heard: string[] = [];
  for (const [name, nc] of Object.entries({ a, b }))
    nc.subscribe("news.>", { callback: (_, message) => void heard.push(`${name} ${message.string()}`) });
  await a.flush();
  await b.flush();
  a.publish("news.one", "from a");
  await a.flush();
  await b.flush();
  b.publish("news.two", "from b");
  await b.flush();
  await a.flush();
  expect(heard.toSorted()).toEqual(["a from a", "b from a", "b from b"]);
});
