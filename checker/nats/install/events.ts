// What an installation tells whoever watches it. Plain data: the command line draws it, a test records it.
import type { ProgramName } from "./programs.ts";

/** The rungs of the ladder, in the order in which they are tried. */
export type Source = "environment" | "PATH" | "cache" | "release" | "go" | "package";

interface About {
  readonly program: ProgramName;
  /** Missing while a distribution has not said which version it has. */
  readonly version?: string;
  readonly source: Source;
}

export type InstallEvent =
  /** A step that takes more than a moment begins; `expect` says how long or how much, for a person. */
  | (About & { readonly kind: "started"; readonly expect: string })
  /** Bytes that have arrived; `totalBytes` is missing when the sender does not say. */
  | (About & { readonly kind: "bytes"; readonly bytes: number; readonly totalBytes?: number })
  /** Another run is installing the same program, and this one waits to share it. */
  | (About & { readonly kind: "waiting" })
  /** The step could not serve; the next rung is tried. */
  | (About & { readonly kind: "failed"; readonly reason: string })
  | (About & { readonly kind: "done"; readonly path: string });

export type OnProgress = (event: InstallEvent) => void;
