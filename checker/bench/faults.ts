// What happens to the classroom while it is measured. Apart, because the command line names them before the classroom is loaded.
export const faults = [
  "none",
  "host killed",
  "nats-server killed",
  "a third cut off",
  "cluster's leader killed",
] as const;
export type Fault = (typeof faults)[number];
