// Loads the host of a learner's program (host.cjs) with V8's code cache beside it. Plain JavaScript, as it runs before all else.
const { readFileSync, writeFileSync } = require("node:fs");
const { join } = require("node:path");
const { Script } = require("node:vm");

const file = join(__dirname, "host.cjs");
const cache = join(__dirname, "host.cache");
const making = process.argv[2] === "--make-cache";

let cachedData;
try {
  if (!making) cachedData = readFileSync(cache);
} catch {
  // None was made: the host is compiled now.
}
const script = new Script(
  `(function (exports, require, module, __filename, __dirname, importProgram) {${readFileSync(file, "utf8")}\n})`,
  // In a stack trace, whoever reads it sees `nats.js`, not a path of the course's.
  { filename: "nats.js", cachedData },
);
const load = script.runInThisContext();
const made = { exports: {} };
// A script from the cache cannot import by itself.
load(made.exports, require, made, file, __dirname, (url) => import(url));
if (making) {
  writeFileSync(cache, script.createCachedData());
  // The host waits for commands, and none will come.
  process.exit(0);
}
