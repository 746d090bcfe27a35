// The entry of every command. Plain JavaScript: it must speak even on a Node that is too old, and before anything is built.
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(
    `learn-nats needs Node 20.19 or newer; this is Node ${process.versions.node}.\n` +
      "Install a newer Node from https://nodejs.org, then run the command again.\n",
  );
  process.exit(3);
}

// Until the command line takes over: nothing has been started yet.
process.once("SIGINT", () => process.exit(130));

let folder;
try {
  const { ensureBuild } = await import("./build.mjs");
  folder = ensureBuild();
} catch (error) {
  const missing = error.code === "ERR_MODULE_NOT_FOUND" || error.code === "MODULE_NOT_FOUND";
  process.stderr.write(
    missing
      ? "The course's packages are not installed here.\nRun `npm ci` in the course's folder, then the command again.\n"
      : `The checker could not be built: ${error.message}\nIs the course's folder writable, and not full? After a change in checker/, read the lines above.\n`,
  );
  process.exit(3);
}
const { pathToFileURL } = await import("node:url");
const { join } = await import("node:path");
const { run } = await import(pathToFileURL(join(folder, "cli.mjs")).href);
await run(process.argv.slice(2));
