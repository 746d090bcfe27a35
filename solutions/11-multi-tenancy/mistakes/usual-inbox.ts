// Mistake: every-inbox-is-allowed
// Fails: a scanner asks customs through an inbox of its own
// A scanner may ask customs. The answer comes by itself.
import { type ConnectionOptions, connect } from "nats";
import type { Login } from "../solution.ts";

export { accountsOf, storeScans } from "../solution.ts";

export async function askCustoms(hub: ConnectionOptions, scanner: Login, parcel: string): Promise<boolean> {
  const { user, password } = scanner;
  const nc = await connect({ ...hub, user, pass: password });
  try {
    const answer = (await nc.request("customs.check", parcel, { timeout: 5_000 })).string();
    if (answer !== "yes" && answer !== "no") throw new Error(`Customs says ${answer}.`);
    return answer === "yes";
  } finally {
    await nc.close();
  }
}
