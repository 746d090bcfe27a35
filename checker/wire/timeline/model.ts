// A run as a timeline: who took part, and the moments worth showing. Text, SVG and JSON are views of this.
import type { WireEvent } from "../events.ts";
import type { Journal } from "../journal.ts";
import { collapse, type Shown } from "./collapse.ts";
import { type Lane, Lanes } from "./lanes.ts";
import { Run, toMoment } from "./moments.ts";

export type { Shown } from "./collapse.ts";
export type { Lane } from "./lanes.ts";
export type { Moment, Tone } from "./moments.ts";

export interface Timeline {
  title: string;
  /** Columns, from left to right. Moments refer to them by index. */
  lanes: Lane[];
  moments: Shown[];
  /** Events that the journal itself had left out, because the run was too long. */
  leftOut: number;
}

export interface TimelineOptions {
  title: string;
  /** Lines that it should have, about; repeats are collapsed to come there. Default 40. */
  most?: number;
  /** Which events to draw; default: all. Clients of the check itself are best left out. */
  only?: (event: WireEvent) => boolean;
}

/** Makes the timeline of a run. The same journal gives the same timeline. */
export function timelineOf(journal: Pick<Journal, "events" | "leftOut">, options: TimelineOptions): Timeline {
  const { title, most = 40, only = () => true } = options;
  const events = journal.events.filter(only);
  const lanes = new Lanes(events);
  const run = new Run(events);
  const moments = events.map((event) => toMoment(event, lanes, run)).filter((moment) => moment !== undefined);
  return { title, lanes: lanes.list, moments: collapse(moments, most), leftOut: journal.leftOut };
}
