// The beginning of a payload, for people.

/** Where the beginning of a payload lies, and how long the whole of it is. */
export interface Part {
  readonly bytes: Buffer;
  readonly payloadAt: number;
  /** How much of it is there. */
  readonly payloadLength: number;
  readonly size: number;
}

/** The beginning of a payload as text; undefined for binary data. A cut is marked with an ellipsis. */
export function preview(frame: Part, most: number): string | undefined {
  const { bytes, payloadAt, payloadLength, size } = frame;
  // No character takes more than four bytes, so more would be decoded for nothing.
  const end = payloadAt + Math.min(payloadLength, most * 4);
  const cut = end - payloadAt < size;
  let plain = true;
  for (let i = payloadAt; i < end; i++) {
    const byte = bytes[i] as number;
    if (byte >= 127) plain = false;
    // Control characters, but for tab, line feed and carriage return, tell binary data from text.
    else if (byte < 32 && byte !== 9 && byte !== 10 && byte !== 13) return undefined;
  }
  if (plain) {
    const text = bytes.toString("latin1", payloadAt, Math.min(end, payloadAt + most));
    return text.length < size ? `${text}…` : text;
  }
  const text = bytes.toString("utf8", payloadAt, end);
  // The last character may be cut in the middle, which decodes as the replacement character too.
  const broken = text.indexOf("\ufffd");
  if (broken >= 0 && !(cut && broken >= text.length - 3)) return undefined;
  const whole = broken >= 0 ? text.slice(0, broken) : text;
  return whole.length > most || cut ? `${whole.slice(0, most)}…` : whole;
}
