const mostInByte = 255;
const mostInWord = 2 ** 32 - 1;
/** If more than one of this many counters does not fit into a byte, all counters become larger. */
const bytesPerLarge = 16;

/**
 * Counts by index, which are 0 at first. Most keys have few rows in a minute or an hour, so a counter has one byte as long as most counts
 * fit into it, and four bytes afterwards. Larger counts are kept beside the counters, so a count can be any whole number.
 */
export class Counters {
  #small: Uint8Array | Uint32Array = new Uint8Array(64);
  #mostSmall = mostInByte;
  /** By index, the part of a count that does not fit into its counter. */
  #beyond = new Map<number, number>();

  get(index: number): number {
    const small = this.#small[index] ?? 0;
    return small < this.#mostSmall ? small : small + (this.#beyond.get(index) ?? 0);
  }

  add(index: number, count: number): void {
    if (index >= this.#small.length) this.#grow(index);
    const sum = (this.#small[index] ?? 0) + count;
    if (sum <= this.#mostSmall) {
      this.#small[index] = sum;
      return;
    }
    this.#small[index] = this.#mostSmall;
    this.#beyond.set(index, (this.#beyond.get(index) ?? 0) + sum - this.#mostSmall);
    if (this.#beyond.size * bytesPerLarge > this.#small.length) this.#widen();
  }

  /** Adds each count to the sum with the same index. Counts beyond the last sum are left out. */
  addTo(sums: Float64Array): void {
    const small = this.#small;
    const length = Math.min(sums.length, small.length);
    for (let index = 0; index < length; index++) sums[index] = (sums[index] ?? 0) + (small[index] ?? 0);
    for (const [index, count] of this.#beyond) if (index < length) sums[index] = (sums[index] ?? 0) + count;
  }

  /** Passes each count that is not 0, by its index. */
  forEach(visit: (index: number, count: number) => void): void {
    const small = this.#small;
    for (let index = 0; index < small.length; index++) if (small[index] !== 0) visit(index, this.get(index));
  }

  copy(): Counters {
    const copy = new Counters();
    copy.#small = this.#small.slice();
    copy.#mostSmall = this.#mostSmall;
    copy.#beyond = new Map(this.#beyond);
    return copy;
  }

  /**
   * The counts as bytes, in the order of their indexes. A number stands in as many bytes as it needs, seven bits in each, the lowest
   * first, and all but the last byte with the highest bit set. A count is its number; 0 is followed by how many counts are 0 here.
   */
  encoded(): Uint8Array {
    const bytes = new NumberBytes();
    let next = 0;
    this.forEach((index, count) => {
      if (index > next) {
        bytes.push(0);
        bytes.push(index - next);
      }
      bytes.push(count);
      next = index + 1;
    });
    return bytes.taken();
  }

  /**
   * Counts from such bytes; undefined if they are none.
   * @param length how many indexes there are
   */
  static decode(bytes: Uint8Array, length: number): Counters | undefined {
    const counters = new Counters();
    if (length > 0) counters.#grow(length - 1);
    let index = 0;
    let isRun = false;
    for (let at = 0; at < bytes.length; at++) {
      let value = bytes[at] ?? 0;
      if (value >= 128) {
        value -= 128;
        for (let unit = 128, more = true; more; unit *= 128) {
          const byte = bytes[++at];
          if (byte === undefined) return undefined;
          more = byte >= 128;
          value += (more ? byte - 128 : byte) * unit;
        }
      }
      if (isRun) {
        index += value;
        isRun = false;
      } else if (value === 0) isRun = true;
      else if (index >= length || value > Number.MAX_SAFE_INTEGER) return undefined;
      else counters.add(index++, value);
    }
    return isRun ? undefined : counters;
  }

  #grow(index: number): void {
    const length = Math.max(64, 2 ** Math.ceil(Math.log2(index + 1)));
    const larger = this.#small instanceof Uint8Array ? new Uint8Array(length) : new Uint32Array(length);
    larger.set(this.#small);
    this.#small = larger;
  }

  /** Makes the counters larger. */
  #widen(): void {
    if (this.#mostSmall === mostInWord) return;
    const [beyond, narrow] = [this.#beyond, this.#small];
    this.#small = new Uint32Array(narrow);
    this.#mostSmall = mostInWord;
    this.#beyond = new Map();
    for (const [index, count] of beyond) this.add(index, count);
  }
}

/** Bytes that grow by numbers. */
class NumberBytes {
  #bytes = new Uint8Array(256);
  #length = 0;

  push(number: number): void {
    // A whole number needs eight bytes at most.
    if (this.#length + 8 > this.#bytes.length) {
      const larger = new Uint8Array(this.#bytes.length * 2);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    let rest = number;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.#bytes[this.#length++] = (rest % 128) + 128;
    this.#bytes[this.#length++] = rest;
  }

  taken(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}
