// Reads the fault from the state of consumers and streams instead of from what the server tells as it happens.
import type { ConsumerInfo, NatsConnection, StreamInfo } from "nats";
import { type Complaint, findings as detect, type Findings, passes } from "../solution.ts";

export { passes, saveContext, traceMessage } from "../solution.ts";

export async function findings(nc: NatsConnection, complaint: Complaint): Promise<Findings> {
  const { hub, silent, lost } = await detect(nc, complaint);
  const jsm = await nc.jetstreamManager();
  const streams: StreamInfo[] = [];
  for await (const stream of jsm.streams.list()) streams.push(stream);
  const consumers: ConsumerInfo[] = [];
  for (const { config } of streams) {
    for await (const consumer of jsm.consumers.list(config.name)) consumers.push(consumer);
  }
  const stuck = consumers.find(({ num_ack_pending: held, config }) => held === config.max_ack_pending);
  const dropping = streams.find(
    ({ config, state }) => state.messages > 0 && state.messages === config.max_msgs,
  );
  const failing = consumers.find(({ num_redelivered }) => num_redelivered > 0);
  const poison =
    failing &&
    (await jsm.streams.getMessage(failing.stream_name, {
      seq: failing.ack_floor.stream_seq + 1,
      next_by_subj: failing.config.filter_subject,
    } as never));

  const stored = streams.flatMap(({ config }) => config.subjects);
  let unstored: string | undefined;
  for await (const { subject } of nc.subscribe("parcel.>", { timeout: 10_000 })) {
    if (stored.some((filter) => passes(filter, subject))) continue;
    unstored = subject;
    break;
  }
  return {
    hub,
    ...(stuck && { stuck: { stream: stuck.stream_name, consumer: stuck.name } }),
    ...(dropping && { dropping: dropping.config.name }),
    ...(failing && poison && { poison: { stream: failing.stream_name, sequence: poison.seq } }),
    ...(unstored && { unstored }),
    ...(silent && { silent }),
    ...(lost && { lost }),
  };
}
