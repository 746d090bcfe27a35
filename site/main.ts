// npm run site: builds the lesson site and serves it here, or with `build` only writes it to site/dist.
import { gzipSync } from "node:zlib";
import { buildSite } from "./build.ts";
import { siteCommand } from "./command.ts";
import { BrokenLinks } from "./links.ts";
import { serveSite } from "./serve.ts";

const program = siteCommand({
  serve: ({ port }) => serveSite(Number(port)),
  async build({ base, sizes }) {
    const began = performance.now();
    const { out, files } = await buildSite({
      ...(base !== undefined && { base: base.replace(/\/?$/, "/") }),
    });
    for (const [path, text] of sizes ? [...files].sort() : [])
      process.stdout.write(
        `${String(Buffer.byteLength(text)).padStart(8)} ${String(gzipSync(text).length).padStart(7)}  ${path}\n`,
      );
    process.stdout.write(`${files.size} files in ${out}, in ${Math.round(performance.now() - began)} ms\n`);
  },
});

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(
    `${error instanceof BrokenLinks ? error.message : ((error as Error).stack ?? error)}\n`,
  );
  process.exitCode = 1;
}
