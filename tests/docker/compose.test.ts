// docker-compose.yml is valid, pinned to the lock, and its services do what they are for; the programs are real, only Docker is missing.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv } from "ajv";
import { connect } from "nats";
import { expect, onTestFinished, test, vi } from "vitest";
import { root } from "../../checker/course/places.ts";
import { findProgram } from "../../checker/nats/install/find.ts";
import { readLock } from "../../checker/nats/install/lock.ts";
import { command } from "../course/command.ts";
import { somePort } from "../lab/lab-command.ts";
import { compose, health, start, text } from "./compose.ts";

const services = Object.entries(compose.services);

test("is valid by the schema of the Compose Specification", () => {
  const schema = JSON.parse(readFileSync(join(import.meta.dirname, "compose-spec.json"), "utf8"));
  // The draft's address with https is the same draft.
  const validate = new Ajv({ strict: false, validateFormats: false }).compile({
    ...schema,
    $schema: undefined,
  });
  // Docker itself reads the extension fields away once they are merged.
  expect(validate(compose) || validate.errors).toBe(true);
  expect(validate({ ...compose, services: { hub: { image: 1 } } })).toBe(false);
});

test("pins every image: the servers to the lock's versions, none to latest", () => {
  const lock = readLock();
  const images = new Set(services.flatMap(([, { image }]) => image ?? []));
  expect(images).toContain(`nats:${lock["nats-server"].version}-alpine`);
  expect(images).toContain(`nats-streaming:${lock["nats-streaming-server"].version}-alpine`);
  for (const image of images) expect(image).toMatch(/:\d+\.\d+\.\d+(-alpine)?$/);
});

test("mounts files that are there, and names every volume", () => {
  for (const [name, { volumes = [], build }] of services) {
    for (const volume of volumes) {
      const [source = ""] = volume.split(":");
      if (source.startsWith("./")) {
        expect(existsSync(join(root, source)), `${name}: ${source}`).toBe(true);
        expect(volume).toMatch(/:ro$/);
      } else expect(Object.keys(compose.volumes), name).toContain(source);
    }
    if (build) expect(existsSync(join(root, build.dockerfile))).toBe(true);
  }
});

test("offers ports to this machine only, and none twice", () => {
  const ports = services.flatMap(([, service]) => service.ports ?? []);
  for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\$\{[A-Z0-9_]+:-\d+\}:\d+$/);
  const defaults = ports.map((port) => /:-(\d+)/.exec(port)?.[1]);
  expect(new Set(defaults).size).toBe(defaults.length);
  expect(compose.services.hub?.ports?.[0]).toContain(":-4223}:4223");
  expect(compose.services.hub?.environment?.PORT).toBe("4223");
});

test("starts only the hub without a profile", () => {
  expect(services.filter(([, { profiles }]) => !profiles).map(([name]) => name)).toEqual(["hub"]);
  const profiles = new Set(services.flatMap(([, { profiles }]) => profiles ?? []));
  for (const profile of ["cluster", "streaming", "site"]) {
    expect([...profiles]).toContain(profile);
    expect(text).toContain(`--profile ${profile} `);
  }
});

test("the hub is healthy, and the lesson's commands work on it with the context of nats-box", async () => {
  const hub = await start("hub", (await findProgram("nats-server")).path);
  expect(await health("hub", hub)).toBe(200);
  const context = (name: string) =>
    JSON.parse(readFileSync(join(root, "docker", "box", `${name}.json`), "utf8")) as {
      url: string;
      user: string;
      password: string;
    };
  expect(context("hub").url).toBe(`nats://hub:${compose.services.hub?.environment?.PORT}`);
  const nats = (name: string, ...args: string[]) => {
    const { url, user, password } = context(name);
    const server = url.replace(/hub:\d+/, `127.0.0.1:${hub.port}`);
    return command(["nats", ...args, "--server", server, "--user", user, "--password", password]);
  };
  expect((await nats("hub", "stream", "add", "SCANS", "--subjects", "parcel.>", "--defaults")).status).toBe(
    0,
  );
  expect((await nats("hub", "pub", "parcel.lyon", "P-1")).status).toBe(0);
  expect((await nats("hub", "stream", "report")).out).toMatch(/SCANS +│ File .*│ 1 /);
  expect((await nats("hub", "trace", "parcel.lyon")).out).toContain('action:"stored" stream:"SCANS"');
  expect((await nats("system", "server", "report", "connections")).out).toContain("Connections");
});

test("three nodes make a cluster that stores a stream three times", async () => {
  const { path } = await findProgram("nats-server");
  const nodes = ["n1", "n2", "n3"];
  const routes = await Promise.all(nodes.map(() => somePort()));
  const ROUTES = JSON.stringify(routes.map((port) => `nats://127.0.0.1:${port}`));
  // In Docker each node is found by its name; here by its port.
  for (const [i, name] of nodes.entries()) {
    expect(compose.services[name]?.environment).toMatchObject({ NODE: name });
    expect(JSON.parse(compose.services[name]?.environment?.ROUTES ?? "")[i]).toBe(`nats://${name}:6222`);
  }
  const started = await Promise.all(
    nodes.map((name, i) => start(name, path, { ROUTE_PORT: String(routes[i]), ROUTES })),
  );
  const nc = await connect({
    servers: started.map(({ port }) => `127.0.0.1:${port}`),
    user: "admin",
    pass: "admin",
  });
  onTestFinished(() => nc.close());
  // Until the cluster has chosen a leader it refuses, and for a moment a node may not know of the new stream.
  const store = async () => {
    const jsm = await nc.jetstreamManager();
    await jsm.streams.add({ name: "SCANS", subjects: ["parcel.>"], num_replicas: 3 });
    return nc.jetstream().publish("parcel.lyon", "P-1", { msgID: "P-1" });
  };
  expect((await vi.waitFor(store, { timeout: 60_000, interval: 100 })).seq).toBe(1);
  // A node that is still catching up with the others is not healthy yet; Docker asks again, too.
  for (const [i, name] of nodes.entries())
    await expect.poll(() => health(name, started[i] as never), { timeout: 60_000 }).toBe(200);
});

test("the legacy server offers its channels", async () => {
  const server = await start("streaming", (await findProgram("nats-streaming-server")).path);
  // Its NATS part answers a moment before the channels are there.
  const page = async () => {
    const response = await fetch(`http://127.0.0.1:${server.monitorPort}/streaming/serverz`);
    return response.ok ? response.json() : response.status;
  };
  await expect
    .poll(() => page().catch(String), { timeout: 60_000 })
    .toMatchObject({ cluster_id: "depot", version: readLock()["nats-streaming-server"].version });
});
