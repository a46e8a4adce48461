import type { DataType, Value } from './schema';

/*
 * Values of one column. Numbers are kept in a typed array, which takes less memory than a list of values and is filled, copied and
 * encoded several times as fast. Text, bytes, truth values and integers beyond 2^53 are kept as a list.
 */
export type ColumnValues = readonly Value[] | NumberColumn;

/** Numbers, where some rows may be null. */
export class NumberColumn {
  readonly length: number;
  /** One entry a row; without meaning where the row is null. */
  readonly numbers: Float64Array;
  /** One entry a row, 0 where it is null, else 1; undefined when no row is null. */
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

/** A row's value; undefined beyond the last row. */
export const valueAt = (column: ColumnValues, row: number): Value | undefined =>
  column instanceof NumberColumn && row >= column.length ? undefined : column.at(row);

/** Whether a column has no value between two rows. Some columns hardly ever have one. */
export function holdsOnlyNulls(column: ColumnValues, start = 0, end = column.length): boolean {
  if (column instanceof NumberColumn) {
    const { defined } = column;
    for (let row = start; row < end; row++) if (defined?.[row] !== 0) return false;
    return true;
  }
  for (let row = start; row < end; row++) if (column[row] !== null) return false;
  return true;
}

const orNull = (value: number | undefined): number | null =>
  value === undefined || Number.isNaN(value) ? null : value;

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
  #numbers: Float64Array;
  #defined: Uint8Array | undefined;
  /** Instead of the numbers, from the first value on that is no number and not null. */
  #values: Value[] | undefined;
  #length = 0;

  /** @param capacity how many rows are expected; more are taken too */
  constructor(type: DataType, capacity = 0) {
    this.#numbers = new Float64Array(numberTypes.has(type) ? capacity : 0);
  }

  get length(): number {
    return this.#values?.length ?? this.#length;
  }

  /** Adds a number, with less effort than `push`. */
  pushNumber(value: number): void {
    if (this.#values) {
      this.#values.push(value);
      return;
    }
    if (this.#length === this.#numbers.length) this.#reserve(1);
    if (this.#defined) this.#defined[this.#length] = 1;
    this.#numbers[this.#length++] = value;
  }

  push(value: Value): void {
    if (this.#values) this.#values.push(value);
    else if (typeof value === 'number') this.pushNumber(value);
    else if (value === null) this.#pushNull();
    else this.#asValues().push(value);
  }

  /** Adds the same value several times. */
  fill(value: Value, count: number): void {
    if (this.#values || (typeof value !== 'number' && value !== null)) {
      for (let n = 0; n < count; n++) this.push(value);
      return;
    }
    this.#reserve(count);
    const [start, end] = [this.#length, this.#length + count];
    if (value === null) this.#marks().fill(0, start, end);
    else {
      this.#numbers.fill(value, start, end);
      this.#defined?.fill(1, start, end);
    }
    this.#length = end;
  }

  /** Adds the rows of a column from `start` to before `end`. */
  append(column: ColumnValues, start: number, end: number): void {
    if (!(column instanceof NumberColumn) || this.#values) {
      for (let row = start; row < end; row++) this.push(valueAt(column, row) ?? null);
      return;
    }
    const at = this.#length;
    this.#reserve(end - start);
    this.#numbers.set(column.numbers.subarray(start, end), at);
    if (column.defined) this.#marks().set(column.defined.subarray(start, end), at);
    else this.#defined?.fill(1, at, at + end - start);
    this.#length = at + end - start;
  }

  /**
   * Adds the numbers at `first`, `first + stride` and so on, as one column of rows that lie behind each other. NaN stands for null.
   */
  appendEvery(numbers: Float64Array, first: number, stride: number, count: number): void {
    if (this.#values) {
      for (let n = 0; n < count; n++) this.push(orNull(numbers[first + n * stride]));
      return;
    }
    this.#reserve(count);
    const [target, at] = [this.#numbers, this.#length];
    let nulls = 0;
    for (let n = 0; n < count; n++) {
      const value = numbers[first + n * stride] as number;
      target[at + n] = value;
      if (Number.isNaN(value)) nulls++;
    }
    this.#defined?.fill(1, at, at + count);
    this.#length += count;
    if (nulls === 0) return;
    const marks = this.#marks();
    for (let row = at; row < at + count; row++) if (Number.isNaN(target[row])) marks[row] = 0;
  }

  /** The column so far. What is added later may or may not change it. */
  finish(): ColumnValues {
    if (this.#values) return this.#values;
    const { length } = this;
    return new NumberColumn(this.#numbers.subarray(0, length), this.#defined?.subarray(0, length));
  }

  #pushNull(): void {
    this.#reserve(1);
    this.#marks()[this.#length++] = 0;
  }

  /** The marks of rows that are null, made at the first one. */
  #marks(): Uint8Array {
    this.#defined ??= new Uint8Array(this.#numbers.length).fill(1);
    return this.#defined;
  }

  #reserve(count: number): void {
    const wanted = this.#length + count;
    if (wanted <= this.#numbers.length) return;
    const capacity = Math.max(wanted, this.#numbers.length * 2, 16);
    const numbers = new Float64Array(capacity);
    numbers.set(this.#numbers.subarray(0, this.#length));
    this.#numbers = numbers;
    if (!this.#defined) return;
    const defined = new Uint8Array(capacity).fill(1);
    defined.set(this.#defined.subarray(0, this.#length));
    this.#defined = defined;
  }

  /** Goes over to a list of values. */
  #asValues(): Value[] {
    const column = this.finish();
    this.#values = Array.from({ length: column.length }, (_, row) => valueAt(column, row) ?? null);
    this.#numbers = new Float64Array(0);
    this.#defined = undefined;
    return this.#values;
  }
}
