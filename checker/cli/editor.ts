// Opens a file in the learner's editor: the one that VISUAL or EDITOR names, or VS Code when this is its terminal.
import { spawn } from "node:child_process";
import { basename } from "node:path";
import { getEditor } from "env-editor";

export interface Editor {
  readonly name: string;
  /** It needs the terminal for itself, as vim does. */
  readonly inTerminal: boolean;
  /** Opens the file. @returns when it is open, or, for one in the terminal, when it was left; why it could not be opened */
  open(file: string): Promise<string | undefined>;
}

/** Editors that need the terminal, and that the library does not know. */
const moreInTerminal = new Set(["hx", "helix", "micro", "kak", "joe", "jed", "mg", "ne", "ed"]);

/** The learner's editor; undefined when nothing names one. */
export function findEditor(env: NodeJS.ProcessEnv = process.env): Editor | undefined {
  const named = [env.VISUAL, env.EDITOR].find((name) => name?.trim());
  const editor = named === undefined ? undefined : editorOf(named);
  // In VS Code's own terminal a file opens beside it; vim would take the terminal from the watch.
  if (env.TERM_PROGRAM === "vscode" && editor?.inTerminal !== false) return editorOf(vsCode(env));
  return editor;
}

/** Cursor and other descendants of VS Code say so in their own variables; their command has their name. */
function vsCode(env: NodeJS.ProcessEnv): string {
  const app = `${env.VSCODE_GIT_ASKPASS_NODE ?? ""} ${env.__CFBundleIdentifier ?? ""}`.toLowerCase();
  return ["cursor", "codium", "windsurf"].find((name) => app.includes(name)) ?? "code";
}

function editorOf(command: string): Editor {
  const [program = command, ...args] = words(command);
  const known = basename(program).replace(/\.(exe|cmd)$/i, "");
  const isTerminalEditor = getEditor(known).isTerminalEditor || moreInTerminal.has(known);
  return {
    name: program,
    inTerminal: isTerminalEditor,
    open: (path) => start(program, [...args, path], isTerminalEditor),
  };
}

/** A command as people write it into these variables: words, those with spaces in quotes. */
function words(command: string): string[] {
  return [...command.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c ?? "");
}

function start(program: string, args: string[], inTerminal: boolean): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      stdio: inTerminal ? "inherit" : "ignore",
      detached: !inTerminal,
      // On Windows many editors are .cmd files, which only the shell starts.
      shell: process.platform === "win32",
    });
    child.once("error", (error) => resolve(`${program} could not be started: ${error.message}`));
    if (inTerminal) child.once("exit", () => resolve(undefined));
    else
      child.once("spawn", () => {
        child.unref();
        resolve(undefined);
      });
  });
}
