// Type-checks one exercise with TypeScript's own compiler, in a process beside the checks.
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { execa } from "execa";
import { EnvironmentTrouble } from "../course/errors.ts";
import { root } from "../course/places.ts";

export interface TypeFault {
  /** The compiler's own words, with its number: `Type 'void' is not assignable to type 'number'. (TS2322)`. */
  readonly message: string;
  readonly line: number;
  readonly column: number;
}

/** One line of the compiler's plain output: `path(line,column): error TS1234: words`. */
const faultLine = /^(.+)\((\d+),(\d+)\): error (TS\d+): (.*)$/;
/** Of the compiler's output; an exercise with more faults than this has one cause for most of them. */
const largestOutput = 1_000_000;

/**
 * The type faults of a file, wherever it lies; `nats` and Node's types are the course's.
 * @param file the exercise
 * @param folder a folder for the compiler's configuration
 */
export async function typeFaults(file: string, folder: string): Promise<TypeFault[]> {
  const config = join(folder, "tsconfig.json");
  writeFileSync(config, JSON.stringify(configurationFor(file)));
  const { stdout, exitCode, failed, shortMessage } = await execa(
    await compiler(),
    ["--pretty", "false", "-p", config],
    {
      cwd: dirname(config),
      // One short run on a few files: collecting garbage costs more than it frees.
      env: { GOGC: "off" },
      reject: false,
      maxBuffer: largestOutput,
    },
  );
  if (failed && exitCode !== 1 && exitCode !== 2) {
    throw new EnvironmentTrouble(
      `The TypeScript compiler could not be run: ${shortMessage}`,
      "Run `npm ci` in the course's folder to install the packages afresh.",
    );
  }
  return faultsIn(stdout, file, dirname(config));
}

/** Reads the compiler's output. Faults of other files that the exercise imports are told at its first line, with their place. */
export function faultsIn(output: string, file: string, folder: string): TypeFault[] {
  const faults: { message: string; line: number; column: number }[] = [];
  for (const text of output.split(/\r?\n/)) {
    const parts = faultLine.exec(text);
    if (parts) {
      const [, path = "", line, column, code, words] = parts;
      const own = resolve(folder, path) === resolve(file);
      faults.push({
        message: own
          ? `${words} (${code})`
          : `${relative(root, resolve(folder, path))}:${line}: ${words} (${code})`,
        line: own ? Number(line) : 1,
        column: own ? Number(column) : 1,
      });
    } else if (/^\s+\S/.test(text)) {
      // The compiler explains on indented lines below.
      const last = faults.at(-1);
      if (last) last.message += ` ${text.trim()}`;
    }
  }
  return faults;
}

function configurationFor(file: string): object {
  const modules = join(root, "node_modules");
  return {
    compilerOptions: {
      target: "es2023",
      lib: ["ES2023"],
      module: "esnext",
      moduleResolution: "bundler",
      moduleDetection: "force",
      allowImportingTsExtensions: true,
      verbatimModuleSyntax: true,
      noEmit: true,
      strict: true,
      noImplicitOverride: true,
      noFallthroughCasesInSwitch: true,
      skipLibCheck: true,
      types: ["node"],
      typeRoots: [join(modules, "@types")],
      // An exercise that lies outside of the course finds its packages here.
      paths: { "*": [join(modules, "*"), join(modules, "@types", "*")] },
    },
    files: [file],
  };
}

let found: Promise<string> | undefined;

/** The native compiler itself: its JavaScript wrapper costs three times as much. */
function compiler(): Promise<string> {
  found ??= (async () => {
    const require = createRequire(join(root, "package.json"));
    const home = dirname(require.resolve("typescript/package.json"));
    const { default: exePath } = (await import(pathToFileURL(join(home, "lib", "getExePath.js")).href)) as {
      default: () => string;
    };
    return exePath();
  })();
  return found;
}
