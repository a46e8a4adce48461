import { isUtf8 } from 'node:buffer';
import { NullMarks } from './nullMarks';
import type { Value } from './schema';

/** How many bytes the length in front of each text takes. */
export const lengthBytes = 4;
/** The most bytes of a column, because positions are kept in 32 bits. */
const mostBytes = 2 ** 32 - 1;
/** Up to this many bytes, copying them one by one is faster than a call that copies them. */
const fewBytes = 32;
/** Up to this many characters, writing them one by one is faster than a call that encodes the text. */
const fewLetters = 12;
/** How many bytes are compared one by one before the rest is compared by a call. Most texts differ early, so the call is seldom needed. */
const comparedFirst = 32;

/** Texts as UTF-8 in one buffer; some rows may be null. A string is made only when it is asked for. */
export class TextColumn {
  readonly length: number;
  /** The texts, each behind its length in four bytes, as in a page of Parquet (Encodings.md, "Plain"). A null takes no bytes. */
  readonly bytes: Buffer;
  /** One entry per row: the position at which its bytes end. They begin where those of the row before end. */
  readonly ends: Uint32Array;
  /** One entry per row: 0 if the row is null, otherwise 1. Undefined if no row is null. */
  readonly defined: Uint8Array | undefined;

  constructor(bytes: Buffer, ends: Uint32Array, defined?: Uint8Array) {
    this.length = ends.length;
    this.bytes = bytes;
    this.ends = ends;
    this.defined = defined;
  }

  /**
   * A column of texts that were read. `texts` has one entry for each row that is not null.
   * @throws for bytes that are not UTF-8
   */
  static of(texts: readonly Uint8Array[], defined: Uint8Array): TextColumn {
    let size = 0;
    for (const text of texts) size += lengthBytes + text.length;
    if (size > mostBytes) throw new Error('the texts of a column have more than 4 GiB');
    const bytes = Buffer.alloc(size);
    const ends = new Uint32Array(defined.length);
    let end = 0;
    let next = 0;
    for (let row = 0; row < defined.length; row++) {
      const text = defined[row] === 0 ? undefined : texts[next++];
      if (text) {
        bytes.set(text, end + lengthBytes);
        end += lengthBytes + text.length;
      }
      ends[row] = end;
    }
    // All texts are checked at once. The lengths between them are still zero, which is valid UTF-8 and cannot be a part of a character.
    if (!isUtf8(bytes)) throw new Error('a text is not UTF-8');
    const column = new TextColumn(bytes, ends, defined);
    for (let row = 0; row < ends.length; row++)
      if (defined[row] !== 0) bytes.writeUInt32LE(column.byteLength(row), column.startOf(row));
    return column;
  }

  at(row: number): string | null {
    if (this.isNull(row)) return null;
    return this.bytes.toString('utf8', this.startOf(row) + lengthBytes, this.ends[row]);
  }

  isNull(row: number): boolean {
    return this.defined?.[row] === 0;
  }

  /** The position at which the bytes of a row begin. The text itself comes after its length. */
  startOf(row: number): number {
    return row === 0 ? 0 : (this.ends[row - 1] as number);
  }

  /** How many bytes the text itself has; 0 for null. */
  byteLength(row: number): number {
    return Math.max(0, (this.ends[row] as number) - this.startOf(row) - lengthBytes);
  }

  /** Compares the texts of two rows by their bytes: less than 0 if the left one comes first, 0 if they are equal. */
  compare(left: number, right: number): number {
    const { bytes } = this;
    const [fromLeft, fromRight] = [this.startOf(left) + lengthBytes, this.startOf(right) + lengthBytes];
    const lengthLeft = (this.ends[left] as number) - fromLeft;
    const lengthRight = (this.ends[right] as number) - fromRight;
    const first = Math.min(lengthLeft, lengthRight, comparedFirst);
    for (let at = 0; at < first; at++) {
      const difference = (bytes[fromLeft + at] as number) - (bytes[fromRight + at] as number);
      if (difference !== 0) return difference;
    }
    if (first < comparedFirst) return lengthLeft - lengthRight;
    return bytes.compare(bytes, fromRight, fromRight + lengthRight, fromLeft, fromLeft + lengthLeft);
  }
}

/**
 * Collects texts and nulls. A method returns false, and has added nothing, if there is something else among the values, if a text is not
 * well-formed, which UTF-8 cannot express, or if the texts would have more than 4 GiB.
 */
export class TextBuilder {
  #bytes: Buffer = Buffer.alloc(0);
  #end = 0;
  #ends: Uint32Array;
  #length = 0;
  readonly #nulls = new NullMarks();

  /** @param capacity how many rows are expected. More rows can be added too */
  constructor(capacity: number) {
    this.#ends = new Uint32Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  push(value: Value): boolean {
    if (typeof value !== 'string') return value === null && this.#pushNull();
    // A UTF-16 unit takes three bytes at most. The bytes are only counted if that much may not fit.
    const most = value.length * 3;
    const isCounted = this.#end + lengthBytes + most > this.#bytes.length;
    if (!this.#reserve(1, lengthBytes + (isCounted ? Buffer.byteLength(value) : most))) return false;
    const at = this.#end + lengthBytes;
    const isWritten = value.length <= fewLetters && writeAscii(value, this.#bytes, at);
    const length = isWritten ? value.length : this.#bytes.write(value, at);
    if (length !== value.length && !value.isWellFormed()) return false;
    this.#endText(length);
    return true;
  }

  /** Adds a text whose UTF-8 is the bytes of `from` from `start` to before `end`. It is not checked. */
  pushUtf8(from: Uint8Array, start: number, end: number): boolean {
    const length = end - start;
    if (!this.#reserve(1, lengthBytes + length)) return false;
    const [bytes, at] = [this.#bytes, this.#end + lengthBytes];
    if (length > fewBytes) bytes.set(from.subarray(start, end), at);
    else for (let n = 0; n < length; n++) bytes[at + n] = from[start + n] as number;
    this.#endText(length);
    return true;
  }

  /** Adds nulls. It takes no other value. */
  fill(value: Value, count: number): boolean {
    if (value !== null || !this.#reserve(count, 0)) return false;
    const [start, end] = [this.#length, this.#length + count];
    this.#ends.fill(this.#end, start, end);
    this.#nulls.upTo(end).fill(0, start, end);
    this.#length = end;
    return true;
  }

  append(column: unknown, start: number, end: number): boolean {
    if (!(column instanceof TextColumn)) return false;
    const from = column.startOf(start);
    const to = end > start ? (column.ends[end - 1] as number) : from;
    if (!this.#reserve(end - start, to - from)) return false;
    this.#bytes.set(column.bytes.subarray(from, to), this.#end);
    const [ends, at, shift] = [this.#ends, this.#length - start, this.#end - from];
    for (let row = start; row < end; row++) ends[at + row] = (column.ends[row] as number) + shift;
    this.#nulls.copy(column.defined?.subarray(start, end), this.#length);
    this.#end += to - from;
    this.#length += end - start;
    return true;
  }

  /** The column so far. Values that are added later may change it or not. */
  finish(): TextColumn {
    const length = this.#length;
    const bytes = this.#bytes.subarray(0, this.#end);
    return new TextColumn(bytes, this.#ends.subarray(0, length), this.#nulls.finish(length));
  }

  #pushNull(): boolean {
    if (!this.#reserve(1, 0)) return false;
    const row = this.#length++;
    this.#ends[row] = this.#end;
    this.#nulls.upTo(row + 1)[row] = 0;
    return true;
  }

  /** Writes the length of a text, which is already in the buffer behind it, and ends the row. */
  #endText(length: number): void {
    const [bytes, at] = [this.#bytes, this.#end];
    bytes[at] = length;
    bytes[at + 1] = length >>> 8;
    bytes[at + 2] = length >>> 16;
    bytes[at + 3] = length >>> 24;
    this.#end = at + lengthBytes + length;
    this.#ends[this.#length++] = this.#end;
  }

  #reserve(rows: number, size: number): boolean {
    const [wantedRows, wanted] = [this.#length + rows, this.#end + size];
    if (wanted > mostBytes) return false;
    if (wantedRows > this.#ends.length) {
      const ends = new Uint32Array(Math.max(wantedRows, this.#ends.length * 2, 16));
      ends.set(this.#ends.subarray(0, this.#length));
      this.#ends = ends;
    }
    if (wanted > this.#bytes.length) {
      const bytes = Buffer.allocUnsafeSlow(Math.max(wanted, this.#bytes.length * 2));
      this.#bytes.copy(bytes, 0, 0, this.#end);
      this.#bytes = bytes;
    }
    return true;
  }
}

/** Writes a text that consists of ASCII; returns false for any other text. */
function writeAscii(text: string, bytes: Uint8Array, at: number): boolean {
  for (let n = 0; n < text.length; n++) {
    const unit = text.charCodeAt(n);
    if (unit > 127) return false;
    bytes[at + n] = unit;
  }
  return true;
}
