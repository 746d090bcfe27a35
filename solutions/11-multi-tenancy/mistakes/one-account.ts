// Mistake: a-user-is-a-tenant
// Fails: two carriers do the same, and see nothing of each other
// Each carrier has its users and passwords. So nobody can take the place of another, and that keeps them apart.
import type { Hub, Login, Scanner } from "../solution.ts";

export { askCustoms, storeScans } from "../solution.ts";

export function accountsOf({ carriers, customs }: Hub): string {
  const disk = carriers.reduce((sum, carrier) => sum + carrier.disk, 0);
  const users = carriers.flatMap(({ office, scanners }) => [userOf(office), ...scanners.map(scannerOf)]);
  return `accounts {
    HUB {
      jetstream: { max_file: ${disk} }
      users: [ ${[...users, userOf(customs)].join("\n")} ]
    }
  }`;
}

function scannerOf({ depot, user, password }: Scanner): string {
  return `{ user: "${user}", password: "${password}", permissions: {
    publish: ["parcel.${depot}.>", "customs.check"]
    subscribe: "_INBOX.${user}.>"
  } }`;
}

const userOf = ({ user, password }: Login) => `{ user: "${user}", password: "${password}" }`;
