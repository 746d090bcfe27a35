// One request to a classroom's pages, over HTTP or HTTPS.
import { request } from "node:http";
import { request as secureRequest } from "node:https";
import { EnvironmentTrouble } from "../course/errors.ts";

export interface Question {
  /** JSON to send; without it, it is a GET. */
  readonly body?: string;
  /** The certificate to trust, as PEM. */
  readonly ca?: string | undefined;
  /** Trust any certificate: for a question whose answer is no secret. */
  readonly trustAny?: boolean;
  /** Default 20 s. */
  readonly withinMs?: number;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
}

const mostCharacters = 100_000;

/** @throws EnvironmentTrouble when there is no answer */
export function askClassroom(
  url: URL,
  { body, ca, trustAny = false, withinMs = 20_000 }: Question = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const trouble = (why: string, cause?: unknown) =>
      reject(
        new EnvironmentTrouble(
          `The classroom at ${url.origin} cannot be reached: ${why}.`,
          "Is the address right, are you in the room's network, and does the instructor's firewall let it through? A certificate of the instructor's own is given with -- --ca FILE.",
          { cause },
        ),
      );
    const send = url.protocol === "https:" ? secureRequest : request;
    const sent = send(
      url,
      {
        method: body === undefined ? "GET" : "POST",
        // A connection of its own: one that is kept may be closed by the host at the moment when it is used again.
        agent: false,
        headers:
          body === undefined
            ? {}
            : { "content-type": "application/json", "content-length": Buffer.byteLength(body) },
        timeout: withinMs,
        ...(ca !== undefined && { ca }),
        ...(trustAny && { rejectUnauthorized: false }),
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (part: string) => {
          text += part;
          if (text.length > mostCharacters) sent.destroy(new Error("its answer is too long"));
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
        response.on("error", (error) => trouble(error.message, error));
      },
    );
    sent.on("timeout", () => sent.destroy(new Error(`no answer in ${withinMs / 1_000} s`)));
    sent.on("error", (error) => trouble(error.message, error));
    sent.end(body);
  });
}
