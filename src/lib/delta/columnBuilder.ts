import { type ColumnValues, valueAt } from './columnValues';
import { NumberBuilder } from './numberColumn';
import type { DataType, Value } from './schema';
import { TextBuilder } from './textColumn';

/** Types whose values are numbers, as long as they are safe integers. */
const numberTypes: ReadonlySet<unknown> = new Set([
  'byte',
  'short',
  'integer',
  'long',
  'date',
  'timestamp',
  'float',
  'double',
]);

/** Collects the values of one column. */
export class ColumnBuilder {
  /** Undefined as soon as a value came that this builder does not take. */
  #typed: NumberBuilder | TextBuilder | undefined;
  /** All values, once `#typed` is undefined. */
  #values: Value[] = [];

  /** @param capacity how many rows are expected. More rows can be added too */
  constructor(type: DataType, capacity = 0) {
    this.#typed =
      type === 'string' ? new TextBuilder(capacity) : new NumberBuilder(numberTypes.has(type) ? capacity : 0);
  }

  get length(): number {
    return (this.#typed ?? this.#values).length;
  }

  /** Adds a number. It is faster than `push`. */
  pushNumber(value: number): void {
    if (this.#typed instanceof NumberBuilder) this.#typed.pushNumber(value);
    else this.push(value);
  }

  push(value: Value): void {
    if (!this.#typed?.push(value)) this.#asValues().push(value);
  }

  /** Adds a text, given as valid UTF-8: the bytes of `from` from `start` to before `end`. */
  pushUtf8(from: Uint8Array, start: number, end: number): void {
    if (this.#typed instanceof TextBuilder && this.#typed.pushUtf8(from, start, end)) return;
    this.push(Buffer.from(from.buffer, from.byteOffset, from.byteLength).toString('utf8', start, end));
  }

  /** Adds the same value several times. */
  fill(value: Value, count: number): void {
    if (this.#typed?.fill(value, count)) return;
    for (let n = 0; n < count; n++) this.push(value);
  }

  /** Adds the rows of a column from `start` to before `end`. */
  append(column: ColumnValues, start: number, end: number): void {
    if (this.#typed?.append(column, start, end)) return;
    for (let row = start; row < end; row++) this.push(valueAt(column, row) ?? null);
  }

  /**
   * Adds `count` values from a list of rows that lie one after the other: the numbers at `first`, `first + stride` and so on. NaN means
   * null.
   */
  appendEvery(numbers: Float64Array, first: number, stride: number, count: number): void {
    if (this.#typed instanceof NumberBuilder) {
      this.#typed.appendEvery(numbers, first, stride, count);
      return;
    }
    for (let n = 0; n < count; n++) {
      const value = numbers[first + n * stride] as number;
      this.push(Number.isNaN(value) ? null : value);
    }
  }

  /** The column so far. Values that are added later may change it or not. */
  finish(): ColumnValues {
    return this.#typed?.finish() ?? this.#values;
  }

  /** Changes to a list of values, and returns it. */
  #asValues(): Value[] {
    const column = this.#typed?.finish();
    this.#typed = undefined;
    if (column)
      this.#values = Array.from({ length: column.length }, (_, row) => valueAt(column, row) ?? null);
    return this.#values;
  }
}
