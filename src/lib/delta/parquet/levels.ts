/**
 * Definition or repetition levels in the RLE/bit-packing hybrid of data pages v1, with its 4-byte length in front
 * (parquet-format, Encodings.md, "RLE/Bit-Packing Hybrid"). Levels fit in `bitWidth` <= 8 bits.
 */
export function encodeLevels(levels: Uint8Array, bitWidth: number): Buffer {
  const out = new LevelWriter(bitWidth);
  const { length } = levels;
  let packedFrom = 0;
  for (let at = 0; at < length; ) {
    let end = at + 1;
    while (end < length && levels[end] === levels[at]) end++;
    // Packed groups hold exactly eight levels, so a run gives up what the group before it lacks.
    const start = at + ((8 - ((at - packedFrom) % 8)) % 8);
    if (end - start >= 8) {
      out.packed(levels, packedFrom, start);
      out.run(levels[at] ?? 0, end - start);
      packedFrom = end;
    }
    at = end;
  }
  out.packed(levels, packedFrom, length);
  return out.finish();
}

/** The same level `count` times. */
export function encodeLevelRun(level: number, count: number, bitWidth: number): Buffer {
  const out = new LevelWriter(bitWidth);
  out.run(level, count);
  return out.finish();
}

class LevelWriter {
  readonly #bytes: number[] = [0, 0, 0, 0];
  readonly #bitWidth: number;

  constructor(bitWidth: number) {
    this.#bitWidth = bitWidth;
  }

  run(level: number, count: number): void {
    this.#varint(count * 2);
    this.#bytes.push(level);
  }

  /** Levels [from, to) in groups of eight; the last group of a page may be padded. */
  packed(levels: Uint8Array, from: number, to: number): void {
    if (from === to) return;
    const groups = Math.ceil((to - from) / 8);
    this.#varint(groups * 2 + 1);
    for (let group = 0; group < groups; group++) {
      let bits = 0;
      let held = 0;
      for (let at = from + group * 8; at < from + group * 8 + 8; at++) {
        bits |= (at < to ? (levels[at] ?? 0) : 0) << held;
        held += this.#bitWidth;
        for (; held >= 8; held -= 8) {
          this.#bytes.push(bits & 0xff);
          bits >>>= 8;
        }
      }
    }
  }

  finish(): Buffer {
    const buffer = Buffer.from(this.#bytes);
    buffer.writeUInt32LE(buffer.length - 4);
    return buffer;
  }

  #varint(value: number): void {
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 128)) this.#bytes.push((rest % 128) + 0x80);
    this.#bytes.push(rest);
  }
}
