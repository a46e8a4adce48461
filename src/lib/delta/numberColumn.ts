import { NullMarks } from './nullMarks';
import type { Value } from './schema';

/** Numbers, some of which may be null. */
export class NumberColumn {
  readonly length: number;
  /** One entry per row; it has no meaning if the row is null. */
  readonly numbers: Float64Array;
  /** One entry per row: 0 if the row is null, otherwise 1. Undefined if no row is null. */
  readonly defined: Uint8Array | undefined;

  constructor(numbers: Float64Array, defined?: Uint8Array) {
    this.length = numbers.length;
    this.numbers = numbers;
    this.defined = defined;
  }

  at(row: number): number | null {
    return this.defined?.[row] === 0 ? null : (this.numbers[row] as number);
  }
}

/** Collects numbers and nulls. A method returns false, and has added nothing, if there is something else among the values. */
export class NumberBuilder {
  #numbers: Float64Array;
  #length = 0;
  readonly #nulls = new NullMarks();

  /** @param capacity how many rows are expected. More rows can be added too */
  constructor(capacity: number) {
    this.#numbers = new Float64Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  pushNumber(value: number): void {
    if (this.#length === this.#numbers.length) this.#reserve(1);
    this.#numbers[this.#length++] = value;
  }

  push(value: Value): boolean {
    if (typeof value === 'number') this.pushNumber(value);
    else if (value === null) this.#pushNull();
    else return false;
    return true;
  }

  fill(value: Value, count: number): boolean {
    if (typeof value !== 'number' && value !== null) return false;
    this.#reserve(count);
    const [start, end] = [this.#length, this.#length + count];
    if (value === null) this.#nulls.upTo(end).fill(0, start, end);
    else this.#numbers.fill(value, start, end);
    this.#length = end;
    return true;
  }

  append(column: unknown, start: number, end: number): boolean {
    if (!(column instanceof NumberColumn)) return false;
    this.#reserve(end - start);
    this.#numbers.set(column.numbers.subarray(start, end), this.#length);
    this.#nulls.copy(column.defined?.subarray(start, end), this.#length);
    this.#length += end - start;
    return true;
  }

  /** See `ColumnBuilder`. */
  appendEvery(numbers: Float64Array, first: number, stride: number, count: number): void {
    this.#reserve(count);
    const [target, at] = [this.#numbers, this.#length];
    let nulls = 0;
    for (let n = 0; n < count; n++) {
      const value = numbers[first + n * stride] as number;
      target[at + n] = value;
      if (Number.isNaN(value)) nulls++;
    }
    this.#length += count;
    if (nulls === 0) return;
    const marks = this.#nulls.upTo(this.#length);
    for (let row = at; row < at + count; row++) if (Number.isNaN(target[row])) marks[row] = 0;
  }

  /** The column so far. Values that are added later may change it or not. */
  finish(): NumberColumn {
    return new NumberColumn(this.#numbers.subarray(0, this.#length), this.#nulls.finish(this.#length));
  }

  #pushNull(): void {
    this.#reserve(1);
    const row = this.#length++;
    this.#nulls.upTo(row + 1)[row] = 0;
  }

  #reserve(count: number): void {
    const wanted = this.#length + count;
    if (wanted <= this.#numbers.length) return;
    const numbers = new Float64Array(Math.max(wanted, this.#numbers.length * 2, 16));
    numbers.set(this.#numbers.subarray(0, this.#length));
    this.#numbers = numbers;
  }
}
