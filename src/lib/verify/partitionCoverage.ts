/** A range of sequence numbers. Both ends are included. */
export interface SequenceRange {
  readonly first: number;
  readonly last: number;
}

/** The number of sequence numbers in a chunk. */
const chunkSize = 4096;
/** The number of elements of an event that have a bit in its mask. */
const maskBits = 32;
const allElements = 0xffff_ffff;

/** One mask of elements for each sequence number. */
interface Chunk {
  masks: Uint32Array;
  /** How many masks have only the bit of element 0. */
  single: number;
}

/** The masks of a chunk whose events have one element each. All such chunks share this array, so it is never written to. */
const singles = new Uint32Array(chunkSize).fill(1);

/**
 * Records which elements of which events of one partition exist, in any order. Events with one element take almost no memory. A chunk in
 * which some events have more elements takes four bytes per event. Elements from the 33rd on take a bit each.
 */
export class PartitionCoverage {
  readonly #chunks = new Map<number, Chunk>();
  /** Words of bits for the elements from 32 on, by sequence number. */
  readonly #tall = new Map<number, Uint32Array>();
  readonly #ranges: SequenceRange[] = [];
  #first = Number.POSITIVE_INFINITY;
  #last = -1;

  /** The lowest sequence number with an element; undefined if there is none. */
  get first(): number | undefined {
    return Number.isFinite(this.#first) ? this.#first : undefined;
  }

  /** The highest sequence number with an element; -1 if there is none. */
  get last(): number {
    return this.#last;
  }

  /** Adds an element. Returns false if it was already there. */
  add(sequenceNumber: number, element: number): boolean {
    if (sequenceNumber < this.#first) this.#first = sequenceNumber;
    if (sequenceNumber > this.#last) this.#last = sequenceNumber;
    if (element >= maskBits) return this.#addTall(sequenceNumber, element - maskBits);
    const at = sequenceNumber % chunkSize;
    const chunk = this.#chunk((sequenceNumber - at) / chunkSize);
    const before = chunk.masks[at] ?? 0;
    const after = (before | (1 << element)) >>> 0;
    if (after === before) return false;
    if (chunk.masks === singles) chunk.masks = singles.slice();
    chunk.masks[at] = after;
    if (before === 1) chunk.single--;
    if (after === 1 && ++chunk.single === chunkSize) chunk.masks = singles;
    return true;
  }

  /** Adds events that will never come, so that they are not gaps. Returns false if they were already added. */
  addRange(range: SequenceRange): boolean {
    if (this.#ranges.some(({ first, last }) => first <= range.first && range.last <= last)) return false;
    this.#ranges.push(range);
    this.#first = Math.min(this.#first, range.first);
    return true;
  }

  /** The sequence numbers from the first one to `upTo` without any element, ascending. */
  *gaps(upTo: number): Generator<SequenceRange> {
    const ranges = mergeRanges(this.#ranges);
    for (const gap of this.#holes(this.first ?? upTo, upTo)) yield* subtract(gap, ranges);
  }

  /** Sequence numbers up to `upTo` of events whose elements are not 0, 1, 2 and so on without a gap. */
  *torn(upTo: number): Generator<number> {
    for (const [index, { masks }] of this.#chunks) {
      if (masks === singles) continue;
      for (let at = 0; at < chunkSize; at++) {
        const sequenceNumber = index * chunkSize + at;
        if (sequenceNumber <= upTo && !this.#isWhole(sequenceNumber, masks[at] ?? 0)) yield sequenceNumber;
      }
    }
    // The loop above skipped events of tall elements in chunks that are shared or do not exist.
    for (const sequenceNumber of this.#tall.keys()) {
      const masks = this.#chunks.get(Math.floor(sequenceNumber / chunkSize))?.masks;
      if (sequenceNumber <= upTo && (masks === undefined || masks === singles)) yield sequenceNumber;
    }
  }

  *#holes(from: number, upTo: number): Generator<SequenceRange> {
    let open: number | undefined;
    for (let sequenceNumber = from; sequenceNumber <= upTo; ) {
      const at = sequenceNumber % chunkSize;
      const masks = this.#chunks.get((sequenceNumber - at) / chunkSize)?.masks;
      const covered = masks
        ? (masks[at] ?? 0) !== 0 || this.#tall.has(sequenceNumber)
        : this.#tall.has(sequenceNumber);
      if (!covered) open ??= sequenceNumber;
      else if (open !== undefined) {
        yield { first: open, last: sequenceNumber - 1 };
        open = undefined;
      }
      // Skip a shared chunk, and a missing chunk if there are no tall elements, in one step.
      sequenceNumber += masks === singles || (!masks && this.#tall.size === 0) ? chunkSize - at : 1;
    }
    if (open !== undefined) yield { first: open, last: upTo };
  }

  #isWhole(sequenceNumber: number, mask: number): boolean {
    const tall = this.#tall.get(sequenceNumber);
    if (!tall) return (mask & (mask + 1)) === 0;
    if (mask !== allElements) return false;
    let isLast = false;
    for (const word of tall) {
      if (isLast ? word !== 0 : (word & (word + 1)) !== 0) return false;
      isLast ||= word !== allElements;
    }
    return true;
  }

  #chunk(index: number): Chunk {
    let chunk = this.#chunks.get(index);
    if (!chunk) {
      chunk = { masks: new Uint32Array(chunkSize), single: 0 };
      this.#chunks.set(index, chunk);
    }
    return chunk;
  }

  #addTall(sequenceNumber: number, bit: number): boolean {
    const word = Math.floor(bit / 32);
    let words = this.#tall.get(sequenceNumber) ?? new Uint32Array(1);
    if (word >= words.length) {
      const wider = new Uint32Array(Math.max(word + 1, words.length * 2));
      wider.set(words);
      words = wider;
    }
    this.#tall.set(sequenceNumber, words);
    const before = words[word] ?? 0;
    words[word] = before | (1 << (bit % 32));
    return words[word] !== before;
  }
}

function mergeRanges(ranges: readonly SequenceRange[]): SequenceRange[] {
  const merged: SequenceRange[] = [];
  for (const range of ranges.toSorted((a, b) => a.first - b.first)) {
    const before = merged.at(-1);
    if (before && range.first <= before.last + 1) {
      merged[merged.length - 1] = { first: before.first, last: Math.max(before.last, range.last) };
    } else {
      merged.push(range);
    }
  }
  return merged;
}

/** The parts of a gap that remain without the given ranges, which must be ascending. */
function* subtract(gap: SequenceRange, ranges: readonly SequenceRange[]): Generator<SequenceRange> {
  let { first } = gap;
  for (const range of ranges) {
    if (range.last < first) continue;
    if (range.first > gap.last) break;
    if (range.first > first) yield { first, last: range.first - 1 };
    first = range.last + 1;
  }
  if (first <= gap.last) yield { first, last: gap.last };
}
