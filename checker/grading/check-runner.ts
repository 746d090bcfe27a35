// How vitest gets at a lesson's checks: Node imports the built file, anew for each run in this process.
import { pathToFileURL } from "node:url";
import { TestRunner } from "vitest";

let runs = 0;

export default class CheckRunner extends TestRunner {
  /** vitest's own way needs a hook in Node's module loader, and in Node 20 that is a thread of its own. */
  override importFile(file: string): unknown {
    return import(`${pathToFileURL(file).href}?run=${++runs}`);
  }
}
