// Reads the reply subject of a JetStream delivery, which says what was delivered and takes the ack.

/** What a `$JS.ACK` subject says about one delivery. */
export interface AckSubject {
  /** The JetStream domain, if the server has one. */
  domain: string | undefined;
  stream: string;
  consumer: string;
  /** 1 on the first delivery. */
  deliveryCount: number;
  streamSeq: number;
  consumerSeq: number;
  /** When the message was stored, in nanoseconds since 1970, as text because it does not fit a number. */
  storedAtNs: string;
  /** Messages that the consumer still has to deliver after this one. */
  pending: number;
}

/**
 * Reads `$JS.ACK.…` in its form of 9 tokens, and in the newer one with domain and account hash in front, of 11 tokens
 * or more (ADR-15, "JS Ack"). Undefined for any other subject.
 */
export function parseAckSubject(subject: string): AckSubject | undefined {
  if (!subject.startsWith("$JS.ACK.")) return undefined;
  const tokens = subject.split(".");
  const old = tokens.length === 9;
  if (!old && tokens.length < 11) return undefined;
  const at = old ? 2 : 4;
  const [stream = "", consumer = "", ...numbers] = tokens.slice(at, at + 7);
  if (!numbers.every((number) => /^\d+$/.test(number))) return undefined;
  const [deliveryCount, streamSeq, consumerSeq, storedAtNs = "", pending] = numbers;
  return {
    domain: old || tokens[2] === "_" ? undefined : tokens[2],
    stream,
    consumer,
    deliveryCount: Number(deliveryCount),
    streamSeq: Number(streamSeq),
    consumerSeq: Number(consumerSeq),
    storedAtNs,
    pending: Number(pending),
  };
}
