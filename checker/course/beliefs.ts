// The beliefs that a lesson's checks can recognise. They stand in checks.ts as data beside code; so checks.ts is run with a kit that
// only writes down what is declared, and nothing is kept twice.
import { relative } from "node:path";
import { runInNewContext } from "node:vm";
import { build, type Plugin } from "esbuild";
import type { Lesson } from "./lessons.ts";
import { root } from "./places.ts";

export interface Belief {
  readonly id: string;
  /** The check that recognises it. */
  readonly check: string;
  /** The idea, in the words of someone who holds it. */
  readonly belief: string;
  /** The heading of the lesson's README that puts it right. */
  readonly readme: string;
  readonly hint: string;
}

type Declared = { readonly beliefs?: Record<string, Omit<Belief, "id" | "check">> };

/** In the order of the checks. A belief that several checks recognise is listed with the first. */
export async function beliefsOf(lesson: Lesson): Promise<Belief[]> {
  const { outputFiles } = await build({
    entryPoints: [lesson.checks],
    bundle: true,
    write: false,
    format: "iife",
    platform: "node",
    target: "node20",
    plugins: [withoutTheKit],
    logLevel: "silent",
  });
  const checks: { name: string; declared: Declared }[] = [];
  const check = (name: string, declared: Declared) => void checks.push({ name, declared });
  runInNewContext(outputFiles[0]?.text ?? "", {
    anything: anything({ exercise: () => ({ check }) }),
    process,
    Buffer,
    console,
    URL,
    TextEncoder,
    TextDecoder,
    setTimeout,
  });
  const found = new Map<string, Belief>();
  for (const { name, declared } of checks) {
    for (const [id, { belief, readme, hint }] of Object.entries(declared.beliefs ?? {})) {
      if (!found.has(id)) found.set(id, { id, check: name, belief, readme, hint });
    }
  }
  if (checks.length === 0) throw new Error(`${relative(root, lesson.checks)} declares no check.`);
  return [...found.values()];
}

/** Gives checks.ts `anything` in place of the kit and of packages; its own neighbours are real. */
const withoutTheKit: Plugin = {
  name: "without-the-kit",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /checker\/kit|^[^./]/ }, ({ path, kind }) =>
      kind === "entry-point" ? undefined : { path, namespace: "anything" },
    );
    onLoad({ filter: /.*/, namespace: "anything" }, () => ({ contents: "module.exports = anything" }));
  },
};

/** Has every property, can be called and built, and gives itself; but for what is given. */
function anything(given: Record<string, unknown>): unknown {
  const itself: unknown = new Proxy(function stub() {}, {
    get: (_, name) => {
      if (typeof name === "symbol") return name === Symbol.toPrimitive ? () => 0 : undefined;
      return name in given ? given[name] : name === "prototype" ? {} : itself;
    },
    // esbuild reads a module's names from an object that inherits from it.
    getPrototypeOf: () => itself as object,
    apply: () => itself,
    construct: () => itself as object,
  });
  return itself;
}
