// What can be typed after `npm run site --`, for the command itself and for the reference.
import { Command } from "commander";

interface Actions {
  readonly serve: (flags: { port: string }) => Promise<void>;
  readonly build: (flags: { base?: string; sizes?: boolean }) => Promise<void>;
}

export function siteCommand(actions: Actions): Command {
  const program = new Command("site").description("the lessons as a site on 127.0.0.1");
  program
    .command("serve", { isDefault: true })
    .description("build, serve on this machine, and load again on every change")
    .option("--port <number>", "the port on 127.0.0.1", "4180")
    .action(actions.serve);
  program
    .command("build")
    .description("write site/dist")
    .option("--base <path>", "where the site's root will be, for the 404 page: /learn-nats/")
    .option("--sizes", "print every page's size, plain and compressed, in bytes")
    .action(actions.build);
  return program;
}
