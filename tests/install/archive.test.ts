// Taking one file out of an archive.
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { takeFrom } from "../../checker/nats/install/archive.ts";
import { tarGz, zip } from "./archives.ts";
import { scene } from "./scene.ts";

describe.each([
  ["tar.gz", tarGz],
  ["zip", zip],
])("a %s archive", (_, archive) => {
  test.each([200, 1_000_000])(
    "a file of %i bytes is whole when it has been taken, whatever follows it",
    async (bytes) => {
      const { folder } = await scene();
      const wanted = randomBytes(bytes);
      const file = join(folder, "archive");
      await writeFile(
        file,
        archive([
          { path: "release/wanted", content: wanted },
          { path: "release/LICENSE", content: randomBytes(50_000) },
        ]),
      );
      for (let time = 1; time <= 20; time++) {
        const target = join(folder, `taken-${time}`);
        await takeFrom(file, "wanted", target);
        // Read at once: a read that takes its turn would come after a late write.
        expect(readFileSync(target).equals(wanted), `time ${time}`).toBe(true);
      }
    },
  );
});
