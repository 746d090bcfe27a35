// Joins a classroom: asks its host, and keeps the credentials. The secret half of the key is made here and stays here.
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:http";
import { request as secureRequest } from "node:https";
import { join } from "node:path";
import { createUser } from "@nats-io/jwt";
import writeFileAtomic from "write-file-atomic";
import { EnvironmentTrouble, UsageError } from "../course/errors.ts";
import { learnerFolder, type Membership, membershipFile } from "./membership.ts";
import { parsed, readJoined } from "./messages.ts";

const answerWithinMs = 20_000;
/** The key that is being joined with: when the answer is lost, the next try is the same learner. */
const keyIn = (folder: string) => join(folder, "joining.json");

export interface JoinOptions {
  readonly url: string;
  readonly name: string;
  readonly code: string;
  /** PEM. */
  readonly ca?: string;
  readonly folder?: string;
}

/** @throws UsageError when the classroom refuses, EnvironmentTrouble when it cannot be reached */
export async function joinClassroom({
  url,
  name,
  code,
  ca,
  folder = learnerFolder,
}: JoinOptions): Promise<Membership> {
  const base = readUrl(url);
  const { seed, key } = keyFor(base.href, folder);
  const ask = () => post(new URL("api/join", base), JSON.stringify({ name, code, key }), ca);
  // A crowded room breaks connections. The same key asks again, so that nobody joins twice.
  const { status, text } = await ask().catch(ask);
  const joined = status === 200 ? readJoined(text) : undefined;
  if (!joined) {
    const { error } = (parsed(text) ?? {}) as { error?: unknown };
    const why =
      typeof error === "string"
        ? error.replace(/\p{Cc}/gu, " ").slice(0, 300)
        : `It answered with status ${status}.`;
    if (status >= 500) throw new EnvironmentTrouble(why, "Run the command again in a moment.");
    throw new UsageError(why, `The address was ${base.href}`);
  }
  const member: Membership = { version: 1, url: base.href, seed, ...joined, ...(ca !== undefined && { ca }) };
  writePrivate(membershipFile(folder), member);
  rmSync(keyIn(folder), { force: true });
  return member;
}

function readUrl(typed: string): URL {
  const full = /^https?:\/\//.test(typed) ? typed : `http://${typed}`;
  if (!URL.canParse(full))
    throw new UsageError(
      `"${typed}" is not an address.`,
      "It looks like http://192.168.1.5:4280/, as the instructor shows it.",
    );
  const url = new URL(full);
  url.pathname = "/";
  url.search = "";
  url.hash = "";
  return url;
}

function keyFor(url: string, folder: string): { seed: string; key: string } {
  try {
    const kept = JSON.parse(readFileSync(keyIn(folder), "utf8")) as {
      url: string;
      seed: string;
      key: string;
    };
    if (kept.url === url) return kept;
  } catch {
    // None yet.
  }
  const user = createUser();
  const made = { url, seed: new TextDecoder().decode(user.getSeed()), key: user.getPublicKey() };
  writePrivate(keyIn(folder), made);
  return made;
}

function writePrivate(file: string, value: unknown): void {
  try {
    mkdirSync(join(file, ".."), { recursive: true, mode: 0o700 });
    writeFileAtomic.sync(file, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  } catch (error) {
    throw new EnvironmentTrouble(
      `${file} cannot be written: ${(error as Error).message}.`,
      "See that the course's folder is writable and the disk is not full.",
      { cause: error },
    );
  }
}

function post(url: URL, body: string, ca: string | undefined): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const trouble = (why: string, cause?: unknown) =>
      reject(
        new EnvironmentTrouble(
          `The classroom at ${url.origin} cannot be reached: ${why}.`,
          "Is the address right, are you in the room's network, and does the instructor's firewall let it through? A certificate of the instructor's own is given with -- --ca FILE.",
          { cause },
        ),
      );
    const ask = url.protocol === "https:" ? secureRequest : request;
    const sent = ask(
      url,
      {
        method: "POST",
        // A connection of its own: one that is kept may be closed by the host at the moment when it is used again.
        agent: false,
        headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body) },
        timeout: answerWithinMs,
        ...(ca !== undefined && { ca }),
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (part: string) => {
          text += part;
          if (text.length > 100_000) sent.destroy(new Error("its answer is too long"));
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
        response.on("error", (error) => trouble(error.message, error));
      },
    );
    sent.on("timeout", () => sent.destroy(new Error(`no answer in ${answerWithinMs / 1_000} s`)));
    sent.on("error", (error) => trouble(error.message, error));
    sent.end(body);
  });
}
