// Single keys from the terminal; from a pipe, each character is a key.

export interface Keys {
  /** Leaves the keyboard to someone else, such as a prompt or an editor. */
  pause(): void;
  resume(): void;
  close(): void;
}

/** Keys that are not a character, as terminals send them: arrows, function keys. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are the escape sequences themselves
const sequence = /^\u001b(?:\[[0-9;]*[A-Za-z~]|O[A-Z]|.)/;

/** Those that have a name here. Terminals send arrows in one of two ways. */
const named: Readonly<Record<string, string>> = {
  "\u001b[A": "up",
  "\u001bOA": "up",
  "\u001b[B": "down",
  "\u001bOB": "down",
  "\u001b[5~": "page up",
  "\u001b[6~": "page down",
};

/** @param onKey told each key; `ctrl-c`, `ctrl-z`, `escape`, `up`, `down`, `page up` and `page down` by these names */
export function listenToKeys(onKey: (key: string) => void): Keys {
  const { stdin } = process;
  stdin.setEncoding("utf8");
  const onData = (text: string) => {
    let rest = text;
    while (rest) {
      const [special] = sequence.exec(rest) ?? [];
      const key = special ?? [...rest][0] ?? "";
      rest = rest.slice(key.length);
      if (special) {
        const name = named[special];
        if (name) onKey(name);
      } else if (key === "\u0003") onKey("ctrl-c");
      else if (key === "\u001a") onKey("ctrl-z");
      else if (key === "\u001b") onKey("escape");
      else if (stdin.isTTY || !/\s/.test(key)) onKey(key);
    }
  };
  const keys: Keys = {
    pause() {
      stdin.off("data", onData);
      if (stdin.isTTY) stdin.setRawMode(false);
      stdin.pause();
    },
    resume() {
      stdin.off("data", onData);
      stdin.on("data", onData);
      if (stdin.isTTY) stdin.setRawMode(true);
      stdin.resume();
    },
    close() {
      keys.pause();
    },
  };
  stdin.on("error", () => {});
  keys.resume();
  return keys;
}
