// The network, with bounds: proxies honoured, silence and detours cut short, each failure in words.
import type { Dispatcher } from "undici";
import { InstallFailure } from "./failure.ts";
import type { Limits } from "./rungs/rung.ts";

const maxRedirects = 5;

const mendProxy =
  "Set HTTPS_PROXY and HTTP_PROXY to addresses such as http://proxy.example:3128, or unset them";
const mendNetwork =
  "Check the network, and HTTPS_PROXY if you sit behind one; or set NATS_DOWNLOAD_MIRROR to a mirror you reach";

export interface Answer {
  /** Where the redirects led. */
  readonly address: string;
  readonly headers: Dispatcher.ResponseData["headers"];
  readonly body: Dispatcher.ResponseData["body"];
}

/**
 * Fetches an address, following its redirects, and gives the successful answer to `read`. `HTTP_PROXY`,
 * `HTTPS_PROXY` and `NO_PROXY` are honoured.
 * @throws InstallFailure when there is no answer, or one that is not a success
 */
export async function fetchFrom<T>(
  address: string,
  limits: Limits,
  read: (answer: Answer) => Promise<T>,
  method: "GET" | "HEAD" = "GET",
): Promise<T> {
  const dispatcher = await proxied(limits);
  try {
    return await read(await follow(address, limits, method, dispatcher));
  } finally {
    await dispatcher.destroy();
  }
}

async function proxied(limits: Limits): Promise<Dispatcher> {
  const { EnvHttpProxyAgent } = await import("undici");
  // undici counts the look-up of the name, TCP and TLS together as the connection.
  const connect = { timeout: limits.connectMs };
  try {
    // Without a tunnel for plain http: the simple proxies of a classroom know no CONNECT to port 80.
    return new EnvHttpProxyAgent({ connect, proxyTls: connect, requestTls: connect, proxyTunnel: false });
  } catch (error) {
    // The value is not repeated: it may hold a password.
    throw new InstallFailure(`${proxyVariables().join(" or ")} does not hold an address`, mendProxy, {
      cause: error,
    });
  }
}

function proxyVariables(): string[] {
  return ["HTTPS_PROXY", "HTTP_PROXY"].filter((name) => process.env[name.toLowerCase()] || process.env[name]);
}

/**
 * Asks whether a server answers at all; a 404 is an answer.
 * @param title what to call it in the reason
 * @throws InstallFailure when it does not
 */
export async function reach(address: string, limits: Limits, title: string): Promise<void> {
  try {
    await fetchFrom(address, limits, async (answer) => answer.body.dump(), "HEAD");
  } catch (error) {
    if (!(error instanceof InstallFailure)) throw error;
    if (error instanceof BadStatus) return;
    if (error instanceof UntrustedCertificate) throw error;
    throw new InstallFailure(`${title} cannot be reached: ${error.message}`, mendNetwork, { cause: error });
  }
}

/** Somebody answers, with a certificate that Node does not trust. Programs that ask the system may well trust it. */
export class UntrustedCertificate extends InstallFailure {
  constructor(host: string, options: ErrorOptions) {
    super(
      `${host} shows a certificate that Node does not trust (a company's proxy may stand in between)`,
      "Set NODE_EXTRA_CA_CERTS to the file with the company's certificate",
      options,
    );
  }
}

const certificateCode = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY/;

/** An answer, but not a success. */
export class BadStatus extends InstallFailure {
  constructor(
    readonly address: string,
    readonly status: number,
  ) {
    super(`${address} answered ${status}${status === 404 ? " (no such file)" : ""}`);
  }
}

async function follow(
  address: string,
  limits: Limits,
  method: "GET" | "HEAD",
  dispatcher: Dispatcher,
): Promise<Answer> {
  const { request } = await import("undici");
  let at = new URL(address);
  const { origin } = at;
  const credentials = takeCredentials(at);
  for (let redirects = 0; redirects <= maxRedirects; redirects++) {
    // Only the server that the credentials were meant for gets them.
    const headers = { "user-agent": "learn-nats", ...(at.origin === origin ? credentials : {}) };
    const answer = await answering(at, limits, (signal) =>
      request(at, { dispatcher, method, headers, signal }),
    );
    const location = answer.headers.location;
    if (answer.statusCode < 300 || answer.statusCode > 399 || typeof location !== "string") {
      if (answer.statusCode === 200) return { headers: answer.headers, body: answer.body, address: at.href };
      throw new BadStatus(at.href, answer.statusCode);
    }
    await answer.body.dump();
    const next = new URL(location, at);
    takeCredentials(next);
    if (at.protocol === "https:" && next.protocol !== "https:") {
      throw new InstallFailure(
        `${at.host} redirects from https to ${next.protocol}//${next.host}, which is refused`,
      );
    }
    at = next;
  }
  throw new InstallFailure(`${new URL(address).host} redirects more than ${maxRedirects} times`);
}

/** An address as people may read it. */
export function withoutPassword(address: string): string {
  return address.replace(/\/\/[^/@]*@/, "//");
}

/** Moves a name and password out of the address, which is shown to people, into a header. */
function takeCredentials(at: URL): { authorization?: string } {
  const { username, password } = at;
  at.username = "";
  at.password = "";
  if (username === "" && password === "") return {};
  const plain = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(plain).toString("base64")}` };
}

/** The answer to a request, with a bound on how long it takes to begin. */
async function answering<T>(at: URL, limits: Limits, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const tooLong = new AbortController();
  const timer = setTimeout(() => tooLong.abort(), limits.connectMs + limits.answerMs);
  try {
    return await ask(tooLong.signal);
  } catch (error) {
    if (certificateCode.test((error as NodeJS.ErrnoException).code ?? "")) {
      throw new UntrustedCertificate(at.host, { cause: error });
    }
    const what = tooLong.signal.aborted
      ? "took the connection and then did not answer in time"
      : inWords(error);
    const proxies = proxyVariables();
    const proxy = proxies.length > 0 ? ` (${proxies.join(" and ")} set)` : "";
    throw new InstallFailure(`${at.host} ${what}${proxy}`, mendNetwork, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

const words: Record<string, string> = {
  ENOTFOUND: "is not known here (no network, or no name service)",
  EAI_AGAIN: "cannot be looked up (no network, or no name service)",
  ENETUNREACH: "is out of reach (no network)",
  EHOSTUNREACH: "is out of reach",
  ECONNREFUSED: "refuses the connection",
  ECONNRESET: "broke the connection off",
  UND_ERR_CONNECT_TIMEOUT: "did not take the connection in time (no network, or a firewall)",
  UND_ERR_SOCKET: "broke the connection off",
};

/** A network failure as the end of a sentence that begins with the host. */
export function inWords(error: unknown): string {
  const { code, message, cause } = error as NodeJS.ErrnoException;
  const errors = (error as AggregateError).errors as NodeJS.ErrnoException[] | undefined;
  const known = words[code ?? errors?.[0]?.code ?? (cause as NodeJS.ErrnoException | undefined)?.code ?? ""];
  return known ?? `failed: ${message || code}`;
}
