// Bytes that wait, in order, without being copied.

export class ByteQueue {
  #chunks: Buffer[] = [];
  #first = 0;
  length = 0;

  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.length += chunk.length;
  }

  /** Removes the first bytes, at most `most`; empty when there are none. */
  take(most: number): Buffer[] {
    const taken: Buffer[] = [];
    let left = Math.min(most, this.length);
    this.length -= left;
    while (left > 0) {
      const chunk = this.#chunks[this.#first] as Buffer;
      if (chunk.length <= left) {
        taken.push(chunk);
        left -= chunk.length;
        this.#first++;
      } else {
        taken.push(chunk.subarray(0, left));
        this.#chunks[this.#first] = chunk.subarray(left);
        left = 0;
      }
    }
    if (this.#first > 64 || this.length === 0) {
      this.#chunks = this.#chunks.slice(this.#first);
      this.#first = 0;
    }
    return taken;
  }
}
