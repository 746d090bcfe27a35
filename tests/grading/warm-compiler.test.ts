// The watch's compilers say what the command's compiler says, word for word and line for line, save after save.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { workFolder } from "../../checker/course/places.ts";
import { compile } from "../../checker/grading/compile.ts";
import { WarmCompiler } from "../../checker/grading/warm-compiler.ts";

let folder = "";
let file = "";
let warm: WarmCompiler;

beforeAll(async () => {
  mkdirSync(workFolder, { recursive: true });
  folder = mkdtempSync(join(workFolder, "warm-"));
  file = join(folder, "exercise.ts");
  writeFileSync(file, "export {};\n");
  warm = new WarmCompiler();
  await warm.warmUp(file);
});
afterAll(async () => {
  await warm.close();
  rmSync(folder, { recursive: true, force: true });
});

test.each([
  ["no fault", 'import { connect } from "nats";\nexport const go = () => connect();\n'],
  ["one fault", 'export const a: number = "x";\n'],
  [
    "a fault behind other alphabets",
    '// Zürich, 東京, 🚚\nconst city = "🚚 東京"; export const a: number = city;\n',
  ],
  [
    "several faults",
    'export const a: number = "x";\nexport function f(): number {}\nexport const b = missing;\n',
  ],
  [
    "a fault with an explanation",
    "export const a: { deep: { x: number } } = { deep: { x: 'no' as unknown as string } };\n" +
      "export const f: (a: number) => void = (a: string) => void a;\n",
  ],
  ["an unknown package", 'import x from "no-such-package";\nexport const y = x;\n'],
  ["no fault again", "export const a = 1;\n"],
  ["a file that is not valid", "export const a = ;\n"],
  ["a global of the browser", "export const w = window;\n"],
])("%s", async (_, text) => {
  writeFileSync(file, text);
  const cold = await compile(file, mkdtempSync(join(folder, "cold-")));
  const made = await warm.compile(file, mkdtempSync(join(folder, "made-")));
  expect(await made.faults).toEqual(await cold.faults);
  expect(made.syntax).toEqual(cold.syntax);
});
