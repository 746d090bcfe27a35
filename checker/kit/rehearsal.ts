// Runs in the process of a learner's program while it waits to be used: does once what programs do, so that Node has compiled it by the
// time that a check waits for it. It leaves nothing behind, in the process or on the server, and what goes wrong here is of no account.
import type * as Nats from "nats";

/** Whoever rehearses must not take longer; the process may be used at any time. */
const withinMs = 5_000;

/**
 * @param nats the very module that the program will use
 * @param options how to connect to a server that nothing else uses
 */
export async function rehearse(nats: typeof Nats, options: Nats.ConnectionOptions): Promise<void> {
  let nc: Nats.NatsConnection | undefined;
  try {
    nc = await nats.connect({ ...options, timeout: withinMs, reconnect: false });
    const late = setTimeout(() => void nc?.close(), withinMs);
    try {
      await core(nats, nc);
      await jetStream(nats, nc);
      await nc.drain();
    } finally {
      clearTimeout(late);
    }
  } catch {
    await nc?.close().catch(() => {});
  }
}

async function core(nats: typeof Nats, nc: Nats.NatsConnection): Promise<void> {
  const { encode, decode } = nats.StringCodec();
  const json = nats.JSONCodec();
  const subject = nats.createInbox();
  const service = nc.subscribe(subject, {
    queue: "rehearsal",
    callback: (_, message) => void message.respond(json.encode({ said: decode(message.data) })),
  });
  const heard = nc.subscribe(`${subject}.>`);
  nc.publish(`${subject}.a`, encode("one"));
  await nc.flush();
  for await (const message of heard) {
    json.decode(json.encode(message.string()));
    break;
  }
  const headers = nats.headers();
  headers.set("a", "b");
  (await nc.request(subject, encode("two"), { timeout: withinMs, headers })).json();
  await nc.request(`${subject}.nobody.else`, "", { timeout: 1 }).catch(() => {});
  await service.drain();
}

async function jetStream(nats: typeof Nats, nc: Nats.NatsConnection): Promise<void> {
  const manager = await nc.jetstreamManager();
  const js = nc.jetstream();
  const name = nats.nuid.next();
  await manager.streams.add({ name, subjects: [`${name}.*`], storage: nats.StorageType.Memory });
  try {
    for (const msgID of ["1", "2", "3"]) await js.publish(`${name}.a`, "x", { msgID });
    await manager.consumers.add(name, { durable_name: "a", ack_policy: nats.AckPolicy.Explicit });
    const consumer = await js.consumers.get(name, "a");
    for await (const message of await consumer.fetch({ max_messages: 1, expires: withinMs })) {
      message.working();
      await message.ackAck();
    }
    const messages = await consumer.consume({ max_messages: 2 });
    for await (const message of messages) {
      message.ack();
      if (message.info.pending === 0) messages.stop();
    }
    const ordered = await js.consumers.get(name, { filterSubjects: `${name}.*` });
    for await (const _ of await ordered.consume()) break;
    await manager.streams.info(name);
  } finally {
    await manager.streams.delete(name);
  }
}
