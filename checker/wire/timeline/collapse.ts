// Shortens a long run to what matters: repeats become "38 more like this", but around losses, redeliveries, duplicates
// and faults everything stays.
import type { Moment } from "./moments.ts";

/** So many moments that are left out in a row. */
export interface More {
  shape: "more";
  at: number;
  /** When the last of them was, in milliseconds since the journal's start. */
  until: number;
  count: number;
  label: string;
  detail: string;
  tone: "muted";
}

export type Shown = Moment | More;

/** How generously moments are kept; tried one after the other until the timeline is short enough. */
const steps = [
  { firsts: 2, around: 2, messages: 4, importants: 6 },
  { firsts: 2, around: 1, messages: 2, importants: 4 },
  { firsts: 1, around: 1, messages: 1, importants: 3 },
  { firsts: 1, around: 0, messages: 1, importants: 2 },
];

/** Fewer than this are shown rather than counted. */
const worthCollapsing = 3;

/** @param most lines that the timeline should have; more only when more kinds of things happened */
export function collapse(moments: readonly Moment[], most: number): Shown[] {
  if (moments.length <= Math.min(most, 24)) return [...moments];
  let shown: Shown[] = [];
  for (const step of steps) {
    shown = fold(moments, kept(moments, step));
    if (shown.length <= most) break;
  }
  return shown;
}

function kept(moments: readonly Moment[], step: (typeof steps)[number]): boolean[] {
  const keep = new Array<boolean>(moments.length).fill(false);
  const seen = new Map<string, number>();
  const lastOfSort = new Map<string, number>();
  const messages = new Set<string>();
  const near: number[] = [];
  moments.forEach((moment, i) => {
    const times = (seen.get(moment.sort) ?? 0) + 1;
    seen.set(moment.sort, times);
    lastOfSort.set(moment.sort, i);
    if (times <= (moment.matters ? step.importants : step.firsts)) {
      keep[i] = true;
      if (!moment.matters) return;
      near.push(i);
      if (moment.message !== undefined && messages.size < step.messages) messages.add(moment.message);
    }
  });
  for (const i of lastOfSort.values()) keep[i] = true;
  for (const i of near) {
    for (let j = Math.max(0, i - step.around); j <= Math.min(moments.length - 1, i + step.around); j++)
      keep[j] = true;
  }
  // The whole story of a message that something happened to: published, stored, delivered, acked.
  const told = new Map<string, number>();
  moments.forEach((moment, i) => {
    if (moment.message === undefined || !messages.has(moment.message)) return;
    const times = (told.get(moment.message) ?? 0) + 1;
    told.set(moment.message, times);
    if (times <= 8) keep[i] = true;
  });
  return keep;
}

function fold(moments: readonly Moment[], keep: readonly boolean[]): Shown[] {
  const shown: Shown[] = [];
  for (let i = 0; i < moments.length; ) {
    let end = i;
    while (end < moments.length && !keep[end]) end++;
    const run = moments.slice(i, end);
    if (run.length >= worthCollapsing) shown.push(more(run));
    else shown.push(...run);
    if (end < moments.length) shown.push(moments[end] as Moment);
    i = end + 1;
  }
  return shown;
}

function more(run: readonly Moment[]): More {
  const counts = new Map<string, number>();
  for (const moment of run) counts.set(moment.many, (counts.get(moment.many) ?? 0) + 1);
  const kinds = [...counts].sort((a, b) => b[1] - a[1]);
  const parts = kinds.map(([many, count]) => `${count} ${count === 1 ? singular(many) : many}`);
  const alike = kinds.length === 1;
  const label = `${run.length} more like ${alike ? "this" : "these"}`;
  const detail = alike ? `${run.length} more ${kinds[0]?.[0]} like this` : `${label}: ${parts.join(", ")}`;
  return {
    shape: "more",
    at: run[0]?.at ?? 0,
    until: run.at(-1)?.at ?? 0,
    count: run.length,
    label,
    detail,
    tone: "muted",
  };
}

function singular(many: string): string {
  const one: Record<string, string> = {
    publishes: "publish",
    redeliveries: "redelivery",
    replies: "reply",
    deliveries: "delivery",
    "signs of progress": "sign of progress",
    "deliveries without ack": "delivery without ack",
  };
  return one[many] ?? many.replace(/s$/, "");
}
