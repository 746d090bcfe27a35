// When each lane is alive: a killed worker's lane is broken off until it connects again.
import type { Timeline } from "./model.ts";

/** For each moment, for each lane, whether it is alive there. A lane's last moment, and its first, count as alive. */
export function livesOf({ lanes, moments }: Timeline): boolean[][] {
  // A lane that is first heard of by coming to life was not there before.
  const alive = lanes.map((_, lane) => {
    const first = moments.find((moment) => moment.shape !== "more" && moment.turns?.lanes.includes(lane));
    return first === undefined || first.shape === "more" || first.turns?.to === "down";
  });
  return moments.map((moment) => {
    if (moment.shape === "more" || !moment.turns) return [...alive];
    const here = [...alive];
    for (const lane of moment.turns.lanes) {
      here[lane] = true;
      alive[lane] = moment.turns.to === "up";
    }
    return here;
  });
}
