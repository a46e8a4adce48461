/** Bytes written one after the other, in a buffer that grows. */
export class ByteWriter {
  #bytes: Buffer = Buffer.allocUnsafe(256);
  /** How many bytes were written. */
  length = 0;

  /** The written bytes. No other writer overwrites them. */
  finish(): Buffer {
    return this.#bytes.subarray(0, this.length);
  }

  /** The buffer, with room for `count` more bytes. A caller that writes them must increase `length`. */
  room(count: number): Buffer {
    const wanted = this.length + count;
    if (wanted > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, wanted));
      this.#bytes.copy(larger, 0, 0, this.length);
      this.#bytes = larger;
    }
    return this.#bytes;
  }

  byte(value: number): void {
    this.room(1)[this.length++] = value;
  }

  bytes(values: Uint8Array): void {
    this.room(values.length).set(values, this.length);
    this.length += values.length;
  }

  /**
   * Writes a whole number from 0 on as ULEB128: seven bits per byte, the lowest first. It divides, because shifting would cut it to 32
   * bits.
   */
  varint(value: number): void {
    const bytes = this.room(8);
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes[this.length++] = (rest % 128) + 0x80;
    bytes[this.length++] = rest;
  }
}
