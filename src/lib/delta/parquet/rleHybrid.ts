import { ByteWriter } from './byteWriter';

/*
 * The RLE/bit-packing hybrid of Parquet, for numbers of at most 16 bits: levels, and indices into a dictionary
 * (parquet-format, Encodings.md, "RLE/Bit-Packing Hybrid").
 */

/** Definition or repetition levels of a data page v1: the hybrid encoding behind its length in four bytes. */
export function encodeLevels(levels: Uint8Array, bitWidth: number): Buffer {
  return withLength(hybridOf(levels, bitWidth));
}

/** The same level `count` times. */
export function encodeLevelRun(level: number, count: number, bitWidth: number): Buffer {
  const out = new HybridWriter(bitWidth, 4);
  out.run(level, count);
  return withLength(out);
}

/** Indices into a dictionary of `entries` values, at most 65,536: the hybrid encoding behind its bit width in one byte. */
export function encodeIndices(indices: Uint16Array, entries: number): Buffer {
  const bitWidth = bitWidthOf(entries);
  const bytes = hybridOf(indices, bitWidth, 1).finish();
  bytes[0] = bitWidth;
  return bytes;
}

/** How many bits an index takes: at least one, because readers do not agree about indices of no bits. */
export const bitWidthOf = (entries: number): number => Math.max(1, Math.ceil(Math.log2(entries)));

function withLength(out: HybridWriter): Buffer {
  const bytes = out.finish();
  bytes.writeUInt32LE(bytes.length - 4);
  return bytes;
}

/** @param room how many bytes are left free in front */
function hybridOf(levels: Uint8Array | Uint16Array, bitWidth: number, room = 4): HybridWriter {
  const out = new HybridWriter(bitWidth, room);
  const { length } = levels;
  let packedFrom = 0;
  for (let at = 0; at < length; ) {
    let end = at + 1;
    while (end < length && levels[end] === levels[at]) end++;
    // A packed group has exactly eight levels, so a run begins only after it has filled up the group before it.
    const start = at + ((8 - ((at - packedFrom) % 8)) % 8);
    if (end - start >= 8) {
      out.packed(levels, packedFrom, start);
      out.run(levels[at] ?? 0, end - start);
      packedFrom = end;
    }
    at = end;
  }
  out.packed(levels, packedFrom, length);
  return out;
}

class HybridWriter {
  readonly #out = new ByteWriter();
  readonly #bitWidth: number;

  constructor(bitWidth: number, room: number) {
    this.#bitWidth = bitWidth;
    this.#out.bytes(new Uint8Array(room));
  }

  run(level: number, count: number): void {
    this.#out.varint(count * 2);
    this.#out.byte(level);
    if (this.#bitWidth > 8) this.#out.byte(level >> 8);
  }

  /** Writes the levels [from, to) in groups of eight. The last group of a page may be padded. */
  packed(levels: Uint8Array | Uint16Array, from: number, to: number): void {
    if (from === to) return;
    const groups = Math.ceil((to - from) / 8);
    this.#out.varint(groups * 2 + 1);
    const bitWidth = this.#bitWidth;
    const bytes = this.#out.room(groups * bitWidth);
    let length = this.#out.length;
    let bits = 0;
    let held = 0;
    for (let at = from; at < from + groups * 8; at++) {
      if (at < to) bits |= (levels[at] as number) << held;
      held += bitWidth;
      for (; held >= 8; held -= 8) {
        bytes[length++] = bits;
        bits >>>= 8;
      }
    }
    this.#out.length = length;
  }

  finish(): Buffer {
    return this.#out.finish();
  }
}
