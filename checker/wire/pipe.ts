// One direction of a relayed connection: passes bytes on in order, keeps back-pressure, and holds back what a fault says.
// With no fault the bytes are written first and read afterwards, so that reading them adds nothing to their way.
import type { Socket } from "node:net";
import { ByteQueue } from "./byte-queue.ts";
import type { WireEvent } from "./events.ts";
import type { Direction, Frame } from "./frames.ts";
import type { Recorder } from "./recorder.ts";

/** Bytes that a stalled or slowed direction takes in before it stops reading its source. */
const queueLimit = 256 * 1024;
/** Bytes of held frames that a direction takes in before it stops reading its source: one message of the largest kind. */
const heldLimit = 64 * 1024 * 1024;
/** How often a slowed direction passes bytes on, in milliseconds. */
const slowTickMs = 10;

/** Holds back chosen frames. One for all connections that it is set for. */
export interface FrameHold {
  /** `held`: kept until released. `dropped`: never passed on. Undefined: not this one. */
  decide(event: WireEvent | undefined, frame: Frame, connection: Recorder): WireEvent["kept"];
}

/** What the faults of a relay mean for one direction of one connection. */
export interface Conditions {
  stalled: boolean;
  /** Undefined: as fast as it goes. */
  bytesPerSecond: number | undefined;
  holds: FrameHold[];
  /** Read before passing on, because who the client is decides whether it is stalled. */
  readFirst: boolean;
}

export class Pipe {
  readonly direction: Direction;
  readonly #source: Socket;
  readonly #sink: Socket;
  readonly #recorder: Recorder;
  #conditions: Conditions = { stalled: false, bytesPerSecond: undefined, holds: [], readFirst: false };
  /** Read and allowed, but waiting for a stall to end or for its turn. */
  readonly #waiting = new ByteQueue();
  /** Of a frame that has not come whole, while frames are being chosen. */
  readonly #undecided = new ByteQueue();
  /** Frames kept back, by the hold that did it. */
  readonly #held = new Map<FrameHold, Buffer[]>();
  #heldBytes = 0;
  #sinkFull = false;
  /** The source ended, or broke off; still to be passed on after what waits. */
  #ending: "end" | "reset" | undefined;
  #timer: NodeJS.Timeout | undefined;
  #allowance = 0;
  #lastTick = 0;

  constructor(direction: Direction, source: Socket, sink: Socket, recorder: Recorder) {
    this.direction = direction;
    this.#source = source;
    this.#sink = sink;
    this.#recorder = recorder;
    source.on("data", (chunk: Buffer) => this.#data(chunk));
    sink.on("drain", () => {
      this.#sinkFull = false;
      this.#flush();
    });
  }

  /** Sets the faults. What waits moves at once if it may. */
  set(conditions: Conditions): void {
    this.#conditions = conditions;
    if (conditions.holds.length === 0) this.#allowUndecided();
    this.#flush();
  }

  /** Passes on, in order, what a hold kept back; or forgets it. */
  release(hold: FrameHold, forget = false): void {
    const frames = this.#held.get(hold) ?? [];
    this.#held.delete(hold);
    for (const bytes of frames) {
      this.#heldBytes -= bytes.length;
      if (!forget) this.#waiting.push(bytes);
    }
    this.#flush();
  }

  /**
   * The source is done. That comes after what faults keep back: on a dead network nobody hears that the other side is gone.
   * What was kept back is still to arrive when it is released, so that even a reset becomes an end then: the bytes had left.
   */
  ended(how: "end" | "reset"): void {
    if (this.#ending === "reset") return;
    const { stalled, bytesPerSecond } = this.#conditions;
    const keptBack =
      stalled || this.#heldBytes > 0 || (bytesPerSecond !== undefined && this.#waiting.length > 0);
    this.#ending = keptBack ? "end" : how;
    this.#allowUndecided();
    this.#flush();
  }

  destroy(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#waiting.take(this.#waiting.length);
    this.#undecided.take(this.#undecided.length);
    this.#held.clear();
    this.#heldBytes = 0;
  }

  #data(chunk: Buffer): void {
    const { holds, readFirst, stalled } = this.#conditions;
    if (holds.length > 0) {
      this.#choose(chunk);
    } else if (stalled || readFirst) {
      this.#recorder.feed(this.direction, chunk, stalled ? "held" : undefined, () =>
        // The client's name may have come with these very bytes.
        this.#conditions.stalled ? "held" : undefined,
      );
      this.#pass(chunk);
    } else {
      this.#pass(chunk);
      this.#recorder.feedLater(this.direction, chunk);
    }
  }

  #pass(chunk: Buffer): void {
    if (this.#waiting.length === 0 && this.#open()) {
      if (!this.#sink.write(chunk)) this.#sinkFull = true;
    } else {
      this.#waiting.push(chunk);
    }
    if (this.#sinkFull || this.#waiting.length > 0) this.#flush();
  }

  /** Whether bytes may be written now, all of them. */
  #open(): boolean {
    return !this.#sinkFull && !this.#conditions.stalled && this.#conditions.bytesPerSecond === undefined;
  }

  /** Reads the frames that end in this chunk, and passes on those that no hold wants. */
  #choose(chunk: Buffer): void {
    const reader = this.#recorder.reader(this.direction);
    let from = reader.position - this.#undecided.length;
    this.#undecided.push(chunk);
    this.#recorder.feed(this.direction, chunk, undefined, (event, frame) => {
      const bytes = this.#undecided.take(frame.end - from);
      // The first part of a frame may have left before the hold was set; then the rest must follow.
      const whole = frame.start >= from;
      from = frame.end;
      const { stalled } = this.#conditions;
      const kept = whole ? this.#keep(event, frame, bytes) : undefined;
      if (kept) return kept;
      for (const part of bytes) this.#waiting.push(part);
      return stalled ? "held" : undefined;
    });
    if (!reader.readable) this.#allowUndecided();
    this.#flush();
  }

  #keep(event: WireEvent | undefined, frame: Frame, bytes: Buffer[]): WireEvent["kept"] {
    for (const hold of this.#conditions.holds) {
      const kept = hold.decide(event, frame, this.#recorder);
      if (kept === undefined) continue;
      if (kept === "held") {
        const frames = this.#held.get(hold) ?? [];
        frames.push(...bytes);
        this.#held.set(hold, frames);
        for (const part of bytes) this.#heldBytes += part.length;
      }
      return kept;
    }
    return undefined;
  }

  #allowUndecided(): void {
    for (const part of this.#undecided.take(this.#undecided.length)) this.#waiting.push(part);
  }

  /** Writes what may be written, stops or starts reading the source, and passes its end on. */
  #flush(): void {
    const { stalled, bytesPerSecond } = this.#conditions;
    if (!stalled && bytesPerSecond !== undefined) this.#trickle(bytesPerSecond);
    else if (!stalled) {
      while (this.#waiting.length > 0 && !this.#sinkFull) this.#write(64 * 1024);
    }
    const nothingLeft = this.#waiting.length === 0 && this.#heldBytes === 0;
    if (this.#ending && !stalled && (nothingLeft || this.#ending === "reset")) this.#end();
    const full = this.#sinkFull || this.#waiting.length > queueLimit || this.#heldBytes > heldLimit;
    if (full && !this.#source.isPaused()) this.#source.pause();
    else if (!full && this.#source.isPaused()) this.#source.resume();
  }

  #write(most: number): number {
    let written = 0;
    // In one piece, as it came: a server treats many messages in one read otherwise than one after the other.
    this.#sink.cork();
    for (const part of this.#waiting.take(most)) {
      written += part.length;
      if (!this.#sink.write(part)) this.#sinkFull = true;
    }
    this.#sink.uncork();
    return written;
  }

  /** Writes as many bytes as the time since the last ones allows, and comes back for more. */
  #trickle(bytesPerSecond: number): void {
    const now = performance.now();
    // What was not used adds up to a tenth of a second at most: after a quiet time the network is as slow as before.
    const grown = this.#allowance + (bytesPerSecond * (now - this.#lastTick)) / 1000;
    this.#allowance = Math.min(grown, Math.max(1, bytesPerSecond / 10));
    this.#lastTick = now;
    if (!this.#sinkFull && this.#allowance >= 1) this.#allowance -= this.#write(Math.floor(this.#allowance));
    if (this.#waiting.length === 0 || this.#timer) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#flush();
    }, slowTickMs);
  }

  #end(): void {
    const how = this.#ending;
    this.#ending = undefined;
    if (how === "end") this.#sink.end();
    else this.#sink.resetAndDestroy();
  }
}
