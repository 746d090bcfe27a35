// `npm run site` as an author uses it: pages, the word that a page is to load again, and no answer to other names of this machine.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { utimesSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "vitest";
import { allLessons } from "../../checker/course/lessons.ts";
import { root } from "../../checker/course/places.ts";
import { reapAll, watchOver } from "../../checker/nats/reaper.ts";

let server: ChildProcess;
let address: URL;

beforeAll(async () => {
  server = spawn(process.execPath, ["--import", "tsx", "site/main.ts", "serve", "--port", "0"], {
    cwd: root,
    stdio: ["ignore", "pipe", "inherit"],
  });
  watchOver(server);
  for await (const line of createInterface({ input: server.stdout as NodeJS.ReadableStream })) {
    const found = /http:\/\/127\.0\.0\.1:\d+\//.exec(line)?.[0];
    if (found === undefined) continue;
    address = new URL(found);
    break;
  }
});
afterAll(reapAll);

async function ask(path: string, host = address.host): Promise<IncomingMessage> {
  const [response] = await once(request(new URL(path, address), { headers: { host } }).end(), "response");
  return response as IncomingMessage;
}

async function textOf(response: IncomingMessage): Promise<string> {
  response.setEncoding("utf8");
  let text = "";
  for await (const chunk of response) text += chunk;
  return text;
}

test("pages are served, and what is not there gets the 404 page", async () => {
  const page = await ask("/");
  expect(page.statusCode).toBe(200);
  expect(await textOf(page)).toContain("<h1>Learn NATS");
  const missing = await ask("/a/b/nothing.html");
  expect(missing.statusCode).toBe(404);
  expect(await textOf(missing)).toContain("No such page");
});

test("another name that points to this machine is refused", async () => {
  const refused = await ask("/", "evil.example");
  expect(refused.statusCode).toBe(421);
  expect(await textOf(refused)).toBe("");
});

test("an open page is told when a lesson was saved", async () => {
  const told = await ask("/reload");
  expect(told.headers["content-type"]).toBe("text/event-stream");
  const word = once(told, "data");
  const now = new Date();
  utimesSync(allLessons()[0]?.readme ?? "", now, now);
  expect(String((await word)[0])).toBe("data: built\n\n");
  told.destroy();
});
