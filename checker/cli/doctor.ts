// npm run doctor: what is here, what is missing, and what to do about it. Installs nothing.

import { exitStatus } from "../grading/verdict.ts";
import { type Findings, findOut, type Place } from "../nats/install/diagnosis.ts";
import type { RungReport } from "../nats/install/find.ts";
import { programs } from "../nats/install/programs.ts";
import { colours as c, print, wrap } from "./text.ts";

/** @returns the exit status: 3 when a lesson could not be graded here */
export async function runDoctor({ json = false }: { json?: boolean }): Promise<number> {
  const findings = await findOut();
  if (json) print(JSON.stringify(findings, null, 2));
  else show(findings);
  return findings.ok ? exitStatus.passed : exitStatus.environment;
}

function show({ node, platform, cache, temp, programs: found, ok }: Findings): void {
  const row = (good: boolean, label: string, text: string) =>
    print(`  ${sign(good)} ${label.padEnd(12)}${hang(text, 16)}`);
  row(node.ok, "Node", `${node.version}${node.ok ? "" : `; the course needs ${node.needed}`}`);
  row(true, "Platform", platform);
  row(!cache.trouble, "Cache", describe(cache));
  row(!temp.trouble, "Temp folder", describe(temp));
  if (cache.trouble) print(wrap("→ export LEARN_NATS_CACHE=/a/folder/you/can/write", 16));

  for (const { name, pinned, rungs } of found) {
    print();
    print(`${c.bold(name)}  ${c.dim(`the course was made with ${pinned}`)}`);
    const used = rungs.find((rung) => rung.state === "used");
    for (const rung of rungs) showRung(rung, used !== undefined);
    const next = rungs.find((rung) => rung.state === "usable");
    const insisted = rungs[0]?.state === "unusable" && process.env[programs[name].variable];
    if (insisted) print(wrap(`No other way is tried while ${programs[name].variable} is set.`, 4));
    else if (!used && next) print(wrap(`The first run that needs it will use: ${next.source}.`, 4));
    else if (!used) print(wrap(c.red(`${name} can neither be found nor installed.`), 4));
  }
  print();
  print(
    ok
      ? "All is well."
      : wrap("Something is missing: do what one of the arrows above says, then run doctor again."),
  );
}

/** @param served whether one way serves already: then nothing is wrong with the others, and nothing is to be done */
function showRung({ source, state, detail, mend }: RungReport, served: boolean): void {
  const signs = { used: c.green("✓"), usable: c.dim("•"), unusable: served ? c.dim("•") : c.red("✗") };
  const text = `${source.padEnd(12)}${hang(detail, 16)}`;
  print(`  ${signs[state]} ${served && state !== "used" ? c.dim(text) : text}`);
  if (mend && state === "unusable" && !served) print(c.dim(wrap(`→ ${mend}`, 16)));
}

function describe({ path, trouble, freeBytes }: Place): string {
  if (trouble) return `${path}: ${trouble}`;
  return `${path}, writable${freeBytes === undefined ? "" : `, ${gigabytes(freeBytes)} free`}`;
}

function gigabytes(bytes: number): string {
  return bytes < 1024 ** 3 ? `${Math.round(bytes / 1024 ** 2)} MB` : `${(bytes / 1024 ** 3).toFixed(1)} GB`;
}

function sign(good: boolean): string {
  return good ? c.green("✓") : c.red("✗");
}

/** Wrapped text whose first line is already indented by a label. */
function hang(text: string, indent: number): string {
  return wrap(text, indent).trimStart();
}
