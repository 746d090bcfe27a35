// Mistake: forbid-what-is-wrong
// Fails: a scanner publishes for its own depot
// A scanner must not publish for the other depots of its carrier. So these are forbidden.
import type { Carrier, Hub, Login, Scanner } from "../solution.ts";

export { askCustoms, storeScans } from "../solution.ts";

const accountOf = (name: string) => `CARRIER_${name}`;

export function accountsOf({ carriers, customs }: Hub): string {
  const names = carriers.map(({ name }) => name);
  return `accounts {
    ${carriers.map((carrier) => account(carrier, names)).join("\n")}
    CUSTOMS {
      users: [ ${userOf(customs)} ]
      exports: [ ${names.map((name) => `{ service: "customs.check.${name}", accounts: [${accountOf(name)}] }`).join("\n")} ]
    }
  }`;
}

function account({ name, office, scanners, disk }: Carrier, names: readonly string[]): string {
  const others = names.filter((other) => other !== name);
  const depots = scanners.map(({ depot }) => depot);
  return `${accountOf(name)} {
    jetstream: { max_file: ${disk} }
    users: [ ${[userOf(office), ...scanners.map((scanner) => scannerOf(scanner, depots))].join("\n")} ]
    exports: [ ${others.map((other) => `{ stream: "handover.${other}.>", accounts: [${accountOf(other)}] }`).join("\n")} ]
    imports: [
      { service: { account: CUSTOMS, subject: "customs.check.${name}" }, to: "customs.check" }
      ${others.map((other) => `{ stream: { account: ${accountOf(other)}, subject: "handover.${name}.>" }, to: "from.${other}.>" }`).join("\n")}
    ]
  }`;
}

function scannerOf({ depot, user, password }: Scanner, depots: readonly string[]): string {
  return `{ user: "${user}", password: "${password}", permissions: {
    publish: { deny: ${JSON.stringify(depots.filter((each) => each !== depot).map((each) => `parcel.${each}.>`))} }
      subscribe: "_INBOX.${user}.>"
  } }`;
}

const userOf = ({ user, password }: Login) => `{ user: "${user}", password: "${password}" }`;
