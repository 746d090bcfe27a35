// The names of one classroom on NATS: its subjects, its stream and its bucket. Several may share one account.

export interface RoomNames {
  readonly id: string;
  /** What learners send: `classroom.ID.from.LEARNER`. The stream captures it. */
  readonly from: (learner: string) => string;
  /** Where a learner asks how much of theirs has arrived. Not stored. */
  readonly ask: (learner: string) => string;
  /** What the host says to one learner, and to all. */
  readonly to: (learner: string) => string;
  readonly toAll: string;
  /** What the instructor asks of the host. */
  readonly desk: string;
  readonly stream: string;
  readonly bucket: string;
}

export function roomNames(id: string): RoomNames {
  const prefix = `classroom.${id}`;
  return {
    id,
    from: (learner) => `${prefix}.from.${learner}`,
    ask: (learner) => `${prefix}.ask.${learner}`,
    to: (learner) => `${prefix}.to.learner.${learner}`,
    toAll: `${prefix}.to.all`,
    desk: `${prefix}.desk`,
    stream: `CLASSROOM_${id}`,
    bucket: `classroom_${id}`,
  };
}

/** Keys of the bucket. What stands there is what the dashboard watches, and what survives the host. */
export const keys = {
  /** Who has which name: created once, so that two cannot have the same. */
  name: (hash: string) => `name.${hash}`,
  names: "name.*",
  learner: (id: string) => `learner.${id}`,
  learners: "learner.*",
  shared: (learner: string, lesson: string) => `shared.${learner}.${lesson}`,
  shares: "shared.*.*",
  /** What the instructor has said to the room. */
  room: "room",
} as const;
