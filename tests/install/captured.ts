// What a command prints, for tests that run it in their own process.
import { vi } from "vitest";

export interface Captured {
  readonly status: number | undefined;
  /** What the command threw instead of returning a status. */
  readonly error: (Error & { readonly advice?: string }) | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export async function captured(run: () => Promise<number>): Promise<Captured> {
  const texts = { stdout: "", stderr: "" };
  const spies = (["stdout", "stderr"] as const).map((stream) =>
    vi.spyOn(process[stream], "write").mockImplementation((text) => {
      texts[stream] += text;
      return true;
    }),
  );
  try {
    return { status: await run(), error: undefined, ...texts };
  } catch (error) {
    return { status: undefined, error: error as Error, ...texts };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}
