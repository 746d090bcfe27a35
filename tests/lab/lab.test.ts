// npm run lab: a scene for each lesson, a port that is taken is told by whom, and nothing is left however it ends.
import { readdirSync } from "node:fs";
import { createServer } from "node:net";
import { execa } from "execa";
import { connect } from "nats";
import { describe, expect, onTestFinished, test } from "vitest";
import { allLessons } from "../../checker/course/lessons.ts";
import { root } from "../../checker/course/places.ts";
import { isFree } from "../../checker/nats/port.ts";
import { command } from "../course/command.ts";
import { leftoversOf, within } from "../grading/leftovers.ts";
import { emptyHome, somePort, startLab } from "./lab-command.ts";

test.each(allLessons())("$id has a lab, whose traffic can be heard by admin", async ({ id }) => {
  const lab = await startLab(id, ["--port", String(await somePort()), "--seed", "4711"]);
  expect(lab.text()).toContain("lab 4711");
  const nc = await connect({ servers: lab.url, user: "admin", pass: "admin", name: "test" });
  onTestFinished(() => nc.close());
  expect(nc.info?.server_name).toBe("hub-4711");
  const heard = new Set<string>();
  nc.subscribe(">", {
    callback: (_, { subject }) => void (subject.startsWith("_INBOX") || heard.add(subject)),
  });
  expect(await within(20_000, () => [...heard].some((subject) => !subject.startsWith("$")))).toBe(true);
  expect(lab.text()).not.toContain("stumbled");
});

describe.skipIf(process.platform === "win32")("nothing is left of a lab that ends by", () => {
  test.each(["SIGINT", "SIGTERM", "SIGHUP", "SIGKILL"] as const)("%s", async (signal) => {
    const { tmp, env } = emptyHome();
    const lab = await startLab("lesson-03", ["--port", String(await somePort())], env);
    expect(leftoversOf(lab.pid, tmp)).not.toEqual([]);
    lab.kill(signal);
    const { exitCode } = await lab.ended;
    if (signal === "SIGINT") expect(exitCode).toBe(130);
    await within(20_000, () => leftoversOf(lab.pid, tmp).length === 0);
    expect(leftoversOf(lab.pid, tmp)).toEqual([]);
    expect(readdirSync(tmp)).toEqual([]);
  });
});

test.skipIf(process.platform !== "linux")("nothing is left of a lab whose npm is killed", async () => {
  const { tmp, env } = emptyHome();
  const npm = execa("npm", ["run", "lab", "lesson-03", "--", "--port", String(await somePort())], {
    cwd: root,
    env,
    extendEnv: false,
    reject: false,
    stdin: "ignore",
    all: true,
  });
  // When npm is gone, the lab goes by itself.
  onTestFinished(() => void npm.kill("SIGKILL"));
  let text = "";
  npm.all.on("data", (part: Buffer) => {
    text += part.toString();
  });
  expect(await within(90_000, () => text.includes("Ctrl-C ends the lab.")), text).toBe(true);
  // npm leaves things of its own there.
  const left = () => readdirSync(tmp).filter((name) => name.startsWith("learn-nats-"));
  expect(left()).not.toEqual([]);
  process.kill(npm.pid as number, "SIGKILL");
  await within(20_000, () => left().length === 0);
  expect(left()).toEqual([]);
  const port = Number(/127\.0\.0\.1:(\d+)/.exec(text)?.[1]);
  expect(await isFree(port)).toBe(true);
});

test("a port that a lab has is told with the server's name, and another one offered", async () => {
  const port = String(await somePort());
  await startLab("lesson-01", ["--port", port, "--seed", "4712"]);
  const { status, err } = await command(["lab", "lesson-01", "--port", port]);
  const said = err.replace(/\s+/g, " ");
  expect(status).toBe(3);
  expect(said).toMatch(new RegExp(`Port ${port} is taken by nats-server [\\d.]+ named hub-4712`));
  const offered = /--port (\d+)/.exec(said)?.[1];
  expect(Number(offered)).toBeGreaterThan(Number(port));
});

test("a port that another program has is told with its process", async () => {
  const mute = createServer();
  await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void mute.close());
  const { port } = mute.address() as { port: number };
  const { status, err } = await command(["lab", "lesson-01", "--port", String(port)]);
  expect(status).toBe(3);
  expect(err.replace(/\s+/g, " ")).toContain(
    process.platform === "linux" ? `is taken by process ${process.pid}` : `Port ${port} is taken by`,
  );
});

test.each([
  [["lab", "lesson-01", "--port", "none"], "--port none is not a number"],
  [["lab", "lesson-01", "--port", "70000"], "--port 70000 is not a number"],
  [["lab", "lesson-01", "--seed", "0"], "--seed 0 is not a number"],
  [["lab", "lesson-99"], 'There is no lesson "lesson-99"'],
])("%j is wrong usage", async (args, words) => {
  const { status, err } = await command(args);
  expect(status).toBe(2);
  expect(err.replace(/\s+/g, " ")).toContain(words);
});
