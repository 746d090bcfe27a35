// Reads a block of NATS headers: the version line with an inline status, and the fields (ADR-4).

export interface Headers {
  /** The status of a message from the server, like 404 or 503. */
  status: number | undefined;
  /** What follows the status: `No Messages`. */
  description: string;
  /** Fields as they were written; the first value when a name repeats. */
  fields: Record<string, string>;
}

/** Never throws: what is not a field is left out. */
export function parseHeaders(block: Buffer): Headers {
  const [first = "", ...lines] = block.toString("utf8").split("\r\n");
  const inline = /^NATS\/\d+\.\d+[ \t]+(\d{3})[ \t]*(.*)$/.exec(first);
  const fields: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon <= 0) continue;
    const name = line.slice(0, colon);
    if (!Object.hasOwn(fields, name)) fields[name] = line.slice(colon + 1).trim();
  }
  return { status: inline ? Number(inline[1]) : undefined, description: inline?.[2]?.trim() ?? "", fields };
}
