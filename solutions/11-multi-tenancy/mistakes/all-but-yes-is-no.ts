// Mistake: no-answer-means-no
// Fails: without an answer of customs, nobody knows
// There are two answers. What is not the one is the other.
import { type ConnectionOptions, connect } from "nats";
import type { Login } from "../solution.ts";

export { accountsOf, storeScans } from "../solution.ts";

export async function askCustoms(hub: ConnectionOptions, scanner: Login, parcel: string): Promise<boolean> {
  const { user, password } = scanner;
  const nc = await connect({ ...hub, user, pass: password, inboxPrefix: `_INBOX.${user}` });
  try {
    return (await nc.request("customs.check", parcel, { timeout: 5_000 })).string() === "yes";
  } finally {
    await nc.close();
  }
}
