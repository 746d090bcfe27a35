// Lab of lesson 11: a hub with two carriers and customs. One of the two scanners may hear more than it should.
import type { Lab } from "../../checker/kit/lab.ts";

const office = { north: ["admin", "admin"], south: ["south-office", "office"] } as const;
const pairs = [
  ["north", "south"],
  ["south", "north"],
] as const;

const careless = ["north", "south"] as const;

function carrierBlock(name: "north" | "south", other: "north" | "south", inbox: string): string {
  const [user, password] = office[name];
  return `${name.toUpperCase()} {
    jetstream: { max_file: 1MB }
    users: [
      { user: "${user}", password: "${password}" }
      { user: "${name}-scanner", password: "scanner", permissions: {
        publish: ["parcel.ams.>", "customs.check"]
        subscribe: "${inbox}.>"
      } }
    ]
    exports: [ { stream: "handover.${other}.>", accounts: [${other.toUpperCase()}] } ]
    imports: [
      { service: { account: CUSTOMS, subject: "customs.check.${name}" }, to: "customs.check" }
      { stream: { account: ${other.toUpperCase()}, subject: "handover.${name}.>" }, to: "from.${other}.>" }
    ]
  }`;
}

export const lab: Lab = {
  server: (random) => {
    const open = random.pick(careless);
    return {
      accounts: `accounts {
        ${pairs.map(([name, other]) => carrierBlock(name, other, name === open ? "_INBOX" : `_INBOX.${name}-scanner`)).join("\n")}
        CUSTOMS {
          users: [ { user: "customs", password: "customs" } ]
          exports: [
            { service: "customs.check.north", accounts: [NORTH] }
            { service: "customs.check.south", accounts: [SOUTH] }
          ]
        }
        $SYS { users: [ { user: "system", password: "system" } ] }
      }`,
    };
  },
  async play({ random, connect, every }) {
    const as = (user: string, pass: string) => connect(user, { user, pass, inboxPrefix: `_INBOX.${user}` });
    const customs = await as("customs", "customs");
    customs.subscribe("customs.check.*", {
      callback: (_, question) => void question.respond(random.pick(["yes", "no"])),
    });
    let no = 0;
    for (const [name, other] of pairs) {
      const [user, password] = office[name];
      const nc = await as(user, password);
      const scanner = await as(`${name}-scanner`, "scanner");
      await (await nc.jetstreamManager()).streams.add({ name: "PARCELS", subjects: ["parcel.>"] });
      every(900, async () => {
        const parcel = `P-${++no}`;
        await scanner.jetstream().publish("parcel.ams.in", parcel);
        // An office asks, too: its answers are not for a scanner.
        for (const asker of [scanner, nc]) {
          const answer = (await asker.request("customs.check", parcel, { timeout: 10_000 })).string();
          if (asker === nc && answer === "yes") nc.publish(`handover.${other}.${parcel}`, parcel);
        }
      });
    }
    return {
      story: [
        "Two carriers, north and south, share this hub. You (admin) are the office of north. South has an office, too (user south-office, password office). In Amsterdam each has a scanner (users north-scanner and south-scanner, password scanner). Customs (password customs) answers all of them. One of the two scanners may hear more than it should. Which one, and what does it hear?",
      ],
      tryThese: [
        'sub ">" --count 12',
        "stream info PARCELS",
        'sub "_INBOX.>" --count 4 --user=north-scanner --password=scanner',
        "pub parcel.rtm.in P-1 --user=north-scanner --password=scanner",
        'sub "customs.>" --count 4 --user=customs --password=customs',
      ],
    };
  },
};
