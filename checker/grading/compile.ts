// Makes JavaScript of an exercise with TypeScript's own compiler, which tells its type faults in the same go. The exercise may lie
// anywhere: what is made stands inside the course, so that Node finds the packages there.
import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, parse, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { EnvironmentTrouble, UsageError } from "../course/errors.ts";
import { root } from "../course/places.ts";
import type { Location } from "../kit/finding.ts";
import { markedEnvironment, watchOver } from "../nats/reaper.ts";

export interface TypeFault extends Location {
  /** The compiler's own words, with its number: `Type 'void' is not assignable to type 'number'. (TS2322)`. */
  readonly message: string;
}

/** Why a file cannot be run at all. */
export interface SyntaxTrouble {
  /** The diagnosis that every check then has. */
  readonly id: string;
  readonly message: string;
  readonly location?: Location;
}

export interface Compiled {
  /** The JavaScript. */
  readonly file: string;
  /** May still be on their way while the program runs. */
  readonly faults: readonly TypeFault[] | Promise<readonly TypeFault[]>;
  /** Why it cannot be run at all. */
  readonly syntax?: SyntaxTrouble;
}

/** One line of the compiler's plain output: `path(line,column): error TS1234: words`. */
const faultLine = /^(.+)\((\d+),(\d+)\): error (TS\d+): (.*)$/;
/** A fault of the whole run, such as a file that is no TypeScript. */
const generalFault = /^error (TS\d+): (.*)$/;
/** "Will not be rewritten during emit": of a setting of ours, for an absolute import, which we lead ourselves. */
export const ownSetting = "(TS2877)";
/** The compiler's numbers for what it reads, as against what it means. Not all of them are fatal: see `syntaxTrouble`. */
const readingFault = /\(TS1\d{3}\)$/;

/**
 * Compiles a file.
 * @param file the exercise
 * @param folder a folder inside the course for what is made
 * @throws UsageError for a file that is not TypeScript or JavaScript by its name
 */
export async function compile(file: string, folder: string): Promise<Compiled> {
  if (!/\.m?[tj]s$/.test(file)) {
    throw new UsageError(`${file} is not a TypeScript file by its name.`, "Give it a name that ends in .ts.");
  }
  const config = join(folder, "tsconfig.json");
  writeFileSync(config, JSON.stringify(configurationFor(file, join(folder, "out"))));
  const output = await run(await compiler(), ["--pretty", "false", "-p", config], folder);
  const faults = faultsIn(output, file, folder).filter(({ message }) => !message.endsWith(ownSetting));
  const made = placeOf(file, folder);
  const syntax = faults.some((fault) => readingFault.test(fault.message))
    ? await syntaxTrouble(file)
    : undefined;
  if (!syntax && !existsSync(made)) {
    throw new EnvironmentTrouble(
      `The TypeScript compiler made nothing of ${file}: ${output.trim() || "it said nothing"}`,
      "Run `npm ci` in the course's folder to install the packages afresh.",
    );
  }
  if (!syntax) leadAbsoluteImports(made, join(folder, "out"));
  return { file: made, faults, ...(syntax && { syntax }) };
}

/** Where the JavaScript of a file stands. */
export function placeOf(file: string, folder: string): string {
  return join(folder, "out", relative(parse(file).root, file)).replace(/ts$/, "js");
}

/** An import of a TypeScript file by its absolute path. The compiler leads only relative ones to what it makes. */
const absoluteImport = /(\bfrom\s*|\bimport\s*\(?\s*)(["'])((?:\/|[A-Za-z]:[\\/])[^"'\n]+\.m?)ts\2/g;

function leadAbsoluteImports(made: string, outDir: string): void {
  const before = readFileSync(made, "utf8");
  const after = before.replace(absoluteImport, (_, start: string, quote: string, path: string) => {
    const target = join(outDir, relative(parse(path).root, `${path}js`));
    return `${start}${quote}${pathToFileURL(target).href}${quote}`;
  });
  if (after !== before) writeFileSync(made, after);
}

/** Reads the compiler's output. Faults of other files that the exercise imports are told at its first line, with their place. */
function faultsIn(output: string, file: string, folder: string): TypeFault[] {
  const faults: { message: string; line: number; column: number }[] = [];
  for (const text of output.split(/\r?\n/)) {
    const parts = faultLine.exec(text);
    const general = generalFault.exec(text);
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
    } else if (general) {
      faults.push({ message: `${general[2]} (${general[1]})`, line: 1, column: 1 });
    } else if (/^\s+\S/.test(text)) {
      // The compiler explains on indented lines below.
      const last = faults.at(-1);
      if (last) last.message += ` ${text.trim()}`;
    }
  }
  return faults;
}

/** What is wrong with the syntax, in the words of a second reader that looks at nothing else; undefined when the file can run. */
async function syntaxTrouble(file: string): Promise<SyntaxTrouble | undefined> {
  const { transform } = await import("esbuild");
  try {
    await transform(readFileSync(file, "utf8"), { loader: "ts", logLevel: "silent", tsconfigRaw: {} });
    return undefined;
  } catch (error) {
    const [first] = (error as { errors?: { text: string; location: Location | null }[] }).errors ?? [];
    if (!first) throw error;
    const { text, location } = first;
    return {
      id: "syntax-error",
      message: `The file is not valid TypeScript: ${text}.`,
      ...(location && { location: { line: location.line, column: location.column + 1 } }),
    };
  }
}

/** The compiler's settings for one file. */
export function configurationFor(file: string, outDir: string): object {
  const modules = join(root, "node_modules");
  return {
    compilerOptions: {
      target: "es2023",
      lib: ["ES2023"],
      module: "esnext",
      moduleResolution: "bundler",
      moduleDetection: "force",
      allowImportingTsExtensions: true,
      rewriteRelativeImportExtensions: true,
      verbatimModuleSyntax: true,
      resolveJsonModule: true,
      allowJs: true,
      strict: true,
      noImplicitOverride: true,
      noFallthroughCasesInSwitch: true,
      skipLibCheck: true,
      inlineSourceMap: true,
      outDir,
      rootDir: parse(file).root,
      types: ["node"],
      typeRoots: [join(modules, "@types")],
      // An exercise that lies outside of the course finds its packages here.
      paths: { "*": [join(modules, "*"), join(modules, "@types", "*")] },
    },
    files: [file],
  };
}

/** The compiler's output. Its exit status says no more than that there were faults. */
function run(command: string, args: readonly string[], cwd: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const trouble = (why: string) =>
      new EnvironmentTrouble(
        `The TypeScript compiler could not be run: ${why}`,
        "Run `npm ci` in the course's folder to install the packages afresh.",
      );
    const child = spawn(command, args, {
      cwd,
      // One short run on a few files: collecting garbage costs more than it frees.
      env: { ...markedEnvironment(), GOGC: "off" },
      stdio: ["ignore", "pipe", "pipe"],
      windowsHide: true,
    });
    // When the run ends sooner, it must not write into a folder that is removed.
    watchOver(child);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8");
      stream.on("data", (text: string) => {
        output += text;
      });
    }
    child.once("error", (error) => reject(trouble(error.message)));
    child.once("close", (code, signal) => {
      if (signal || (code ?? 0) > 2)
        reject(trouble(`it ended with ${signal ?? `exit status ${code}`}: ${output.trim()}`));
      else resolve(output);
    });
  });
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
