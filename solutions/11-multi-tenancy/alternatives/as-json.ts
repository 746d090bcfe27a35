// The configuration as an object: nats-server reads JSON, too. And the PubAck is asked for by hand.
import { type ConnectionOptions, connect, createInbox, type NatsConnection } from "nats";
import type { Hub, Login, Scan } from "../solution.ts";

export function accountsOf({ carriers, customs }: Hub): string {
  const accounts: Record<string, object> = {
    customs: {
      users: [customs],
      exports: carriers.map(({ name }) => ({
        service: `customs.check.${name}`,
        accounts: [`carrier-${name}`],
      })),
    },
  };
  for (const { name, office, scanners, disk } of carriers) {
    const others = carriers.map((carrier) => carrier.name).filter((other) => other !== name);
    accounts[`carrier-${name}`] = {
      jetstream: { max_file: disk },
      users: [
        office,
        ...scanners.map(({ user, password, depot }) => ({
          user,
          password,
          permissions: {
            publish: { allow: [`parcel.${depot}.>`, "customs.check"] },
            subscribe: { allow: [`_INBOX.${user}.>`] },
          },
        })),
      ],
      exports: others.map((other) => ({ stream: `handover.${other}.>`, accounts: [`carrier-${other}`] })),
      imports: [
        { service: { account: "customs", subject: `customs.check.${name}` }, to: "customs.check" },
        ...others.map((other) => ({
          stream: { account: `carrier-${other}`, subject: `handover.${name}.>` },
          to: `from.${other}.>`,
        })),
      ],
    };
  }
  return `accounts ${JSON.stringify(accounts, null, 2)}`;
}

export async function storeScans(nc: NatsConnection, scans: Scan[]): Promise<Scan[]> {
  const notStored: Scan[] = [];
  for (const scan of scans) {
    try {
      const answer = await nc.request(`parcel.${scan.depot}.${scan.event}`, scan.parcel, { timeout: 5_000 });
      if (answer.json<{ error?: object }>().error) notStored.push(scan);
    } catch {
      notStored.push(scan);
    }
  }
  return notStored;
}

export async function askCustoms(
  hub: ConnectionOptions,
  { user, password }: Login,
  parcel: string,
): Promise<boolean> {
  const nc = await connect({ ...hub, user, pass: password });
  try {
    const reply = createInbox(`_INBOX.${user}`);
    const message = await nc.request("customs.check", parcel, { timeout: 6_000, noMux: true, reply });
    const said = new Map([
      ["yes", true],
      ["no", false],
    ]).get(message.string());
    if (said === undefined) throw new Error("Customs does not know.");
    return said;
  } finally {
    await nc.drain();
  }
}
