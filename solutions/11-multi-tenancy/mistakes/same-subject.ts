// Mistake: the-subject-stays
// Fails: what is handed over comes to one carrier
// What is handed over is imported. On which subject it comes, the sender has said.
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
  return `${accountOf(name)} {
    jetstream: { max_file: ${disk} }
    users: [ ${[userOf(office), ...scanners.map(scannerOf)].join("\n")} ]
    exports: [ ${others.map((other) => `{ stream: "handover.${other}.>", accounts: [${accountOf(other)}] }`).join("\n")} ]
    imports: [
      { service: { account: CUSTOMS, subject: "customs.check.${name}" }, to: "customs.check" }
      ${others.map((other) => `{ stream: { account: ${accountOf(other)}, subject: "handover.${name}.>" } }`).join("\n")}
    ]
  }`;
}

function scannerOf({ depot, user, password }: Scanner): string {
  return `{ user: "${user}", password: "${password}", permissions: {
    publish: ["parcel.${depot}.>", "customs.check"]
      subscribe: "_INBOX.${user}.>"
  } }`;
}

const userOf = ({ user, password }: Login) => `{ user: "${user}", password: "${password}" }`;
