// The nats CLI as the course runs it. Contexts (saved addresses and passwords) stay in the course's folder: a person's own are never touched.
import { join } from "node:path";
import { workFolder } from "../course/places.ts";

/** Where the course's contexts are kept; the CLI adds `nats/context`. */
export const contextFolder = join(workFolder, "config");

/**
 * The environment for the nats CLI.
 * @param folder what stands in for a person's configuration folder; the CLI asks only XDG_CONFIG_HOME for it
 */
export function natsCliEnvironment(folder = contextFolder): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env, XDG_CONFIG_HOME: folder };
  // It would name one of the person's own contexts, which are not in this folder.
  delete env.NATS_CONTEXT;
  return env;
}
