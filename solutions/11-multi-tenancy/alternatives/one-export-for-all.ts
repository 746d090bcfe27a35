// One export of customs for all carriers: the server looks whether the third token is the name of the account that imports it. The same
// for what is handed over.
import { type ConnectionOptions, connect, type NatsConnection } from "nats";
import type { Hub, Login, Scan } from "../solution.ts";

export function accountsOf({ carriers, customs }: Hub): string {
  const names = carriers.map(({ name }) => name);
  const lines = ["accounts {"];
  for (const { name, office, scanners, disk } of carriers) {
    lines.push(`"${name}" {`, `jetstream: { max_file: ${disk}, max_mem: 1MB }`);
    lines.push("users: [", loginLine(office, ""));
    for (const scanner of scanners)
      lines.push(
        loginLine(
          scanner,
          `permissions: { publish: ["parcel.${scanner.depot}.>", "customs.check"], subscribe: "_INBOX.${scanner.user}.>" }`,
        ),
      );
    lines.push("]", 'exports: [ { stream: "handover.*.>", account_token_position: 2 } ]', "imports: [");
    lines.push(
      `{ service: { account: customs-office, subject: "customs.check.${name}" }, to: "customs.check" }`,
    );
    for (const other of names)
      if (other !== name)
        lines.push(
          `{ stream: { account: "${other}", subject: "handover.${name}.>" }, to: "from.${other}.>" }`,
        );
    lines.push("]", "}");
  }
  lines.push("customs-office {", `users: [ ${loginLine(customs, "")} ]`);
  lines.push('exports: [ { service: "customs.check.*", account_token_position: 3 } ]', "}", "}");
  return lines.join("\n");
}

const loginLine = ({ user, password }: Login, more: string) =>
  `{ user: "${user}", password: "${password}"${more && `, ${more}`} }`;

export async function storeScans(nc: NatsConnection, scans: Scan[]): Promise<Scan[]> {
  const js = nc.jetstream({ timeout: 10_000 });
  const stored = await Promise.all(
    scans.map(({ depot, event, parcel }) =>
      js.publish(`parcel.${depot}.${event}`, new TextEncoder().encode(parcel)).then(
        () => true,
        () => false,
      ),
    ),
  );
  return scans.filter((_, at) => !stored[at]);
}

export async function askCustoms(hub: ConnectionOptions, scanner: Login, parcel: string): Promise<boolean> {
  const inboxPrefix = `_INBOX.${scanner.user}.asks`;
  const nc = await connect({ ...hub, user: scanner.user, pass: scanner.password, inboxPrefix });
  try {
    const answer = await nc.request("customs.check", parcel, { timeout: 6_000 });
    switch (answer.string()) {
      case "yes":
        return true;
      case "no":
        return false;
      default:
        throw new Error(`No answer to the question: ${answer.string()}`);
    }
  } finally {
    await nc.close();
  }
}
