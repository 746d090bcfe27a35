// Compiles again and again with compilers that stay in memory: esbuild makes the JavaScript, and TypeScript's own server finds the
// type faults while the program runs already. What these two cannot do alike goes to the compiler that `check` uses.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { transform as Transform } from "esbuild";
import type { API, Diagnostic, Project, Snapshot } from "typescript/unstable/async";
import { runFolder } from "../nats/run-folder.ts";
import { type Compiled, compile, configurationFor, ownSetting, placeOf, type TypeFault } from "./compile.ts";

/** An import of a file beside the exercise: it must be compiled, too. */
const importsAFile = /\b(?:from|import)\s*\(?\s*["'](?:\.|\/|[A-Za-z]:[\\/])/;

export class WarmCompiler {
  readonly #folder = runFolder("types");
  #transform: typeof Transform | undefined;
  #api: API | undefined;
  #snapshot: Snapshot | undefined;
  /** The file that TypeScript's server has open, and its settings. */
  #open: { file: string; config: string } | undefined;
  #opened = 0;
  /** One question at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  /** Loads what the next compilation of this file needs. */
  async warmUp(file: string): Promise<void> {
    this.#transform ??= (await import("esbuild")).transform;
    await this.#transform("let a: number", { loader: "ts" });
    await this.#faults(file).catch(() => {});
  }

  /** @throws UsageError as `compile` does */
  readonly compile = async (file: string, folder: string): Promise<Compiled> => {
    const source = readFileSync(file, "utf8");
    if (!/\.m?ts$/.test(file) || importsAFile.test(source)) return compile(file, folder);
    const made = placeOf(file, folder);
    try {
      this.#transform ??= (await import("esbuild")).transform;
      const { code } = await this.#transform(source, {
        loader: "ts",
        format: "esm",
        target: "es2023",
        sourcefile: file,
        sourcemap: "inline",
        logLevel: "silent",
        tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true, target: "es2023", strict: true } },
      });
      mkdirSync(dirname(made), { recursive: true });
      writeFileSync(made, code);
    } catch {
      return compile(file, folder);
    }
    const faults = this.#faults(file).catch(async () => (await compile(file, folder)).faults);
    // Who waits for them hears of it; a grading that is dropped does not wait.
    faults.catch(() => {});
    return { file: made, faults };
  };

  async close(): Promise<void> {
    const api = this.#api;
    this.#api = undefined;
    await api?.close().catch(() => {});
    this.#folder.remove();
  }

  #faults(file: string): Promise<readonly TypeFault[]> {
    const asked = this.#turn.then(() => this.#ask(file));
    this.#turn = asked.catch(() => {
      // A server that failed once is not asked again.
      const api = this.#api;
      this.#api = undefined;
      this.#snapshot = undefined;
      this.#open = undefined;
      void api?.close().catch(() => {});
    });
    return asked;
  }

  async #ask(file: string): Promise<readonly TypeFault[]> {
    const project = await this.#project(file);
    const { program } = project;
    const first = (
      await Promise.all([
        program.getConfigFileParsingDiagnostics(),
        program.getProgramDiagnostics(),
        program.getSyntacticDiagnostics(),
      ])
    ).flat();
    // As the command does: what cannot be read is not asked for its meaning.
    const found =
      first.length > 0
        ? first
        : (await Promise.all([program.getGlobalDiagnostics(), program.getSemanticDiagnostics()])).flat();
    const source = readFileSync(file, "utf8");
    return found
      .filter(({ category }) => category === 1)
      .map((each) => faultOf(each, source))
      .filter(({ message }) => !message.endsWith(ownSetting))
      .sort((a, b) => a.line - b.line || a.column - b.column);
  }

  async #project(file: string): Promise<Project> {
    if (!this.#api) {
      const { API } = await import("typescript/unstable/async");
      this.#api = new API({ cwd: this.#folder.path });
    }
    const before = this.#snapshot;
    if (this.#open?.file === file) {
      this.#snapshot = await this.#api.updateSnapshot({
        openProjects: [this.#open.config],
        fileChanges: { changed: [file] },
      });
    } else {
      const config = join(this.#folder.path, `${++this.#opened}`, "tsconfig.json");
      mkdirSync(dirname(config), { recursive: true });
      writeFileSync(config, JSON.stringify(configurationFor(file, join(dirname(config), "out"))));
      this.#snapshot = await this.#api.updateSnapshot({
        openProjects: [config],
        ...(this.#open && { closeProjects: [this.#open.config] }),
      });
      this.#open = { file, config };
    }
    await before?.dispose();
    const project = this.#snapshot.getProject(this.#open.config);
    if (!project) throw new Error("TypeScript's server did not open the exercise.");
    return project;
  }
}

/** As the command says it: the explanations that stand below the first words come behind them. */
function faultOf({ text, code, pos, messageChain }: Diagnostic, source: string): TypeFault {
  const message = [`${text} (TS${code})`, ...chained(messageChain)].join(" ");
  const before = source.slice(0, pos);
  return {
    message,
    line: before.split("\n").length,
    column: pos - before.lastIndexOf("\n"),
  };
}

function chained(chain: readonly Diagnostic[] = []): string[] {
  return chain.flatMap(({ text, messageChain }) => [text, ...chained(messageChain)]);
}
