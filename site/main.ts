// npm run site: builds the lesson site and serves it here, or with `build` only writes it to site/dist.
import { gzipSync } from "node:zlib";
import { Command } from "commander";
import { buildSite } from "./build.ts";
import { BrokenLinks } from "./links.ts";
import { serveSite } from "./serve.ts";

const program = new Command("npm run site --").description("the lesson site");
program
  .command("serve", { isDefault: true })
  .description("build, serve on this machine, and load again on every change")
  .option("--port <number>", "the port on 127.0.0.1", "4180")
  .action(async ({ port }: { port: string }) => serveSite(Number(port)));
program
  .command("build")
  .description("write site/dist")
  .option("--base <path>", "where the site's root will be, for the 404 page: /learn-nats/")
  .option("--sizes", "print every page's size, plain and compressed, in bytes")
  .action(async ({ base, sizes }: { base?: string; sizes?: boolean }) => {
    const began = performance.now();
    const { out, files } = await buildSite({
      ...(base !== undefined && { base: base.replace(/\/?$/, "/") }),
    });
    for (const [path, text] of sizes ? [...files].sort() : [])
      process.stdout.write(
        `${String(Buffer.byteLength(text)).padStart(8)} ${String(gzipSync(text).length).padStart(7)}  ${path}\n`,
      );
    process.stdout.write(`${files.size} files in ${out}, in ${Math.round(performance.now() - began)} ms\n`);
  });

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(
    `${error instanceof BrokenLinks ? error.message : ((error as Error).stack ?? error)}\n`,
  );
  process.exitCode = 1;
}
