// What learners, host and instructor say to each other. Everything that comes from outside is read by these, or refused.
import { z } from "zod";

/** The largest message that a learner may send; the server holds each learner to it. */
export const mostBytes = 64 * 1024;
/** The longest file that can be shared. */
export const mostCodeCharacters = 32 * 1024;
/** As JSON; the rest of `mostBytes` is for what stands around it. */
export const mostCodeBytes = mostBytes - 2 * 1024;
/** Messages of one learner that the stream keeps; a day in watch mode makes some hundreds. */
export const mostMessages = 5_000;

const id = z.string().regex(/^[a-z0-9-]{1,80}$/);
/** Control characters would change what a terminal shows. */
const words = (most: number) =>
  z
    .string()
    .max(most)
    .regex(/^[^\p{Cc}\p{Zl}\p{Zp}]*$/u);

const count = z.number().int().min(0).max(1_000_000);

const checkSchema = z.object({
  name: words(200),
  status: z.enum(["pass", "fail", "error", "skip"]),
  diagnosis: id.optional(),
  ms: count,
});

const resultSchema = z.object({
  kind: z.literal("result"),
  lesson: id,
  status: z.enum(["pass", "fail", "error"]),
  ms: z.number().int().min(0).max(86_400_000),
  checks: z.array(checkSchema).max(100),
  /** General hints that were shown, and beliefs whose own hint was. */
  hints: z.object({ general: count, beliefs: z.array(id).max(100) }),
  /** The course's version, and the server's. */
  course: words(40),
  server: words(40),
});

const handSchema = z.object({
  kind: z.literal("hand"),
  up: z.boolean(),
  text: words(300).optional(),
});

const shareSchema = z.object({
  kind: z.literal("share"),
  lesson: id,
  code: z.string().max(mostCodeCharacters),
});

const unshareSchema = z.object({
  kind: z.literal("unshare"),
  lesson: id,
  /** The numbers of the messages that are taken back: they are erased from the stream. */
  takesBack: z.array(z.number().int().min(1)).max(mostMessages),
});

const body = z.discriminatedUnion("kind", [resultSchema, handSchema, shareSchema, unshareSchema]);

/** What stands around every message of a learner. */
const envelope = z.object({
  v: z.literal(1),
  /** Counted from 1 for each learner, without gaps. */
  n: z.number().int().min(1).max(1_000_000),
  /** How long it waited before it was sent, by the learner's own clock: clocks of laptops differ. */
  ageMs: z.number().int().min(0).catch(0),
});

export type Result = z.infer<typeof resultSchema>;
export type Body = z.infer<typeof body>;
export interface Message extends z.infer<typeof envelope> {
  /** Undefined when what it says is not understood; its number counts all the same, so that the next ones are not held up. */
  readonly body: Body | undefined;
}

/** Undefined when it is no message of ours at all. */
export function readMessage(text: string): Message | undefined {
  const document = parsed(text);
  const head = envelope.safeParse(document);
  if (!head.success) return undefined;
  const said = body.safeParse((document as { body?: unknown }).body);
  return { ...head.data, body: said.success ? said.data : undefined };
}

const announcement = z.object({ id: z.string().max(60), text: z.string().max(500), at: z.number() });
const pace = z.object({
  /** The lesson that is opened for all. */
  lesson: id.optional(),
  /** When the room goes on, as the clock on the wall says it. */
  goOnAt: z
    .string()
    .regex(/^([01]?\d|2[0-3]):[0-5]\d$/)
    .optional(),
});

export type Announcement = z.infer<typeof announcement>;
export type Pace = z.infer<typeof pace>;

const news = z.object({
  /** The newest last. */
  announcements: z.array(announcement).max(50),
  pace: pace.optional(),
});
export type News = z.infer<typeof news>;

const toLearner = z.object({
  v: z.literal(1),
  /** All messages up to this number have arrived. */
  upTo: z.number().int().min(0).optional(),
  news: news.optional(),
  /** Whether the learner's hand is up, in the instructor's list. */
  hand: z.boolean().optional(),
});
export type ToLearner = z.infer<typeof toLearner>;

export function readToLearner(text: string): ToLearner | undefined {
  const read = toLearner.safeParse(parsed(text));
  return read.success ? read.data : undefined;
}

const deskOrder = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("announce"), id: z.string().min(1).max(60), text: words(500).min(1) }),
  z.object({ kind: z.literal("pace"), pace }),
  z.object({ kind: z.literal("lower"), learner: id }),
  z.object({ kind: z.literal("remove"), learner: id }),
]);
export type DeskOrder = z.infer<typeof deskOrder>;

/** @throws RangeError with a sentence for the instructor */
export function readDeskOrder(text: string): DeskOrder {
  const read = deskOrder.safeParse(parsed(text));
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw new RangeError(
    `This order was not understood: ${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`.trim(),
  );
}

export const joinRequest = z.object({
  name: z.unknown(),
  code: z.string().max(100),
  /** The learner's public key; the secret half never leaves the learner's machine. */
  key: z.string().regex(/^U[A-Z2-7]{55}$/),
});

const room = z.object({
  room: z.string().regex(/^[A-Za-z0-9]{1,32}$/),
  /** Where the classroom's NATS is; or only its port, on the host that was asked. */
  servers: z.array(z.string().max(300)).max(20).optional(),
  port: z.number().int().min(1).max(65_535).optional(),
  tls: z.boolean(),
});
/** Which classroom is open at an address: no secret. */
export type Room = z.infer<typeof room>;

export function readRoom(text: string): Room | undefined {
  const read = room.safeParse(parsed(text));
  return read.success ? read.data : undefined;
}

const joined = room.extend({
  title: words(200),
  id,
  name: words(200),
  jwt: z.string().max(10_000),
});
export type Joined = z.infer<typeof joined>;

export function readJoined(text: string): Joined | undefined {
  const read = joined.safeParse(parsed(text));
  return read.success ? read.data : undefined;
}

/** JSON, or undefined. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
