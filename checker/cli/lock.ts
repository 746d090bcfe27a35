// npm run lock, for maintainers: renews the checksums in the lock file, or moves to the newest releases. Needs the internet.
import { join } from "node:path";
import { root } from "../course/places.ts";
import { exitStatus } from "../grading/verdict.ts";
import { renewLock } from "../nats/install/renew.ts";
import { print } from "./text.ts";

/**
 * @param flags.latest move to the newest releases; otherwise the versions stay
 * @returns the exit status
 * @throws EnvironmentTrouble when the releases cannot be read, or contradict what is pinned
 */
export async function runLock({ latest = false }: { latest?: boolean } = {}): Promise<number> {
  const file = process.env.LEARN_NATS_LOCK || join(root, "checker", "nats", "lock.json");
  const { lock, changes } = await renewLock(latest);
  for (const change of changes) print(`  ${change}`);
  const { default: writeFileAtomic } = await import("write-file-atomic");
  await writeFileAtomic(file, `${JSON.stringify(lock, null, 2)}\n`);
  print(
    changes.length > 0
      ? `Wrote ${file}. Read the changes before you commit them.`
      : "The lock is up to date.",
  );
  return exitStatus.passed;
}
