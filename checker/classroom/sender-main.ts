// The process that takes a learner's outbox to the classroom. One at a time; it ends when all has arrived, or after a while without.
import { existsSync } from "node:fs";
import { lock } from "proper-lockfile";
import { learnerFolder, membership } from "./membership.ts";
import { Sender } from "./sender.ts";

/** A room's Wi-Fi may be away for minutes. After that, the next command starts another sender. */
const patienceMs = 10 * 60_000;

for (const signal of ["SIGINT", "SIGHUP"] as const) process.on(signal, () => {});

const member = membership();
if (!member) process.exit(0);

let release: () => Promise<void>;
try {
  // Who holds it may just be about to end without having seen the newest message, so it is asked for a while.
  release = await lock(learnerFolder, {
    lockfilePath: `${learnerFolder}/sender.lock`,
    stale: 10_000,
    retries: { retries: 12, factor: 1, minTimeout: 1_000 },
    onCompromised: () => process.exit(0),
  });
} catch {
  process.exit(0);
}
const sender = new Sender({ member, home: learnerFolder });
// Whoever leaves the classroom, or removes the course, takes the outbox along.
const gone = setInterval(() => {
  if (!existsSync(learnerFolder)) process.exit(0);
}, 1_000);
await sender.empty(patienceMs).catch(() => {});
clearInterval(gone);
await sender.close();
await release().catch(() => {});
process.exit(0);
