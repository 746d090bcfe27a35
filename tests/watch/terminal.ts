// A real pseudo-terminal with a program in it, and a screen that shows what a person would see.
import { type IPty, spawn } from "@lydell/node-pty";
import xterm from "@xterm/headless";

export interface TerminalOptions {
  readonly cwd: string;
  readonly columns?: number;
  readonly rows?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** How long a screen may take to show something. Generous: the machine may be ten times slower. */
const patienceMs = 60_000;

export class Terminal {
  readonly #pty: IPty;
  readonly #screen: InstanceType<typeof xterm.Terminal>;
  #raw = "";
  #exit: number | undefined;
  #onChange: () => void = () => {};

  constructor(file: string, args: string[], { cwd, columns = 100, rows = 40, env = {} }: TerminalOptions) {
    this.#screen = new xterm.Terminal({ cols: columns, rows, scrollback: 5_000, allowProposedApi: true });
    const { VISUAL: _, EDITOR: __, TERM_PROGRAM: ___, NO_COLOR: ____, ...inherited } = process.env;
    this.#pty = spawn(file, args, {
      name: "xterm-256color",
      cols: columns,
      rows,
      cwd,
      env: { ...(inherited as Record<string, string>), ...env },
    });
    this.#pty.onData((data) => {
      this.#raw += data;
      this.#screen.write(data, () => this.#onChange());
    });
    this.#pty.onExit(({ exitCode }) => {
      this.#exit = exitCode;
      this.#onChange();
    });
  }

  /** Everything that was written, with its escape sequences. */
  get raw(): string {
    return this.#raw;
  }

  /** What is on the screen now, a line each. */
  get screen(): string {
    const { active } = this.#screen.buffer;
    const lines = Array.from(
      { length: this.#screen.rows },
      (_, row) => active.getLine(active.baseY + row)?.translateToString(true) ?? "",
    );
    return lines.join("\n").trimEnd();
  }

  /** Waits until the screen shows this. */
  async shows(what: string | RegExp): Promise<string> {
    const found = () =>
      typeof what === "string" ? this.screen.replace(/\s+/g, " ").includes(what) : what.test(this.screen);
    await this.#until(found, `to show ${what}`);
    return this.screen;
  }

  async exit(): Promise<number> {
    await this.#until(() => this.#exit !== undefined, "to end");
    return this.#exit as number;
  }

  type(text: string): void {
    this.#pty.write(text);
  }

  resize(columns: number, rows: number): void {
    this.#screen.resize(columns, rows);
    this.#pty.resize(columns, rows);
  }

  get pid(): number {
    return this.#pty.pid;
  }

  async close(): Promise<void> {
    if (this.#exit === undefined) this.#pty.kill("SIGTERM");
    await this.exit();
    this.#screen.dispose();
  }

  #until(found: () => boolean, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (act: () => void) => {
        clearTimeout(timer);
        this.#onChange = () => {};
        act();
      };
      const timer = setTimeout(
        () => done(() => reject(new Error(`The terminal was expected ${what}. It shows:\n${this.screen}`))),
        patienceMs,
      );
      this.#onChange = () => {
        if (found()) done(resolve);
        else if (this.#exit !== undefined && what !== "to end")
          done(() =>
            reject(new Error(`The program ended (${this.#exit}); expected ${what}:\n${this.screen}`)),
          );
      };
      this.#onChange();
    });
  }
}
