import { hashText, mixed } from '../../hash';
import type { WarehouseTable } from '../../streams/stream';
import type { Form, FormRow } from './forms';

/**
 * The number of rows of a slice, and checksums of 64 bits in which the order of the rows does not count: one for each column, and one of
 * whole rows, which differs also if rows have exchanged values of a column.
 */
export class SliceSum {
  rows = 0;
  /** Two halves for each column, and two of whole rows. */
  readonly #halves: Uint32Array;

  constructor({ columns }: WarehouseTable) {
    this.#halves = new Uint32Array(2 * columns.length + 2);
  }

  add(row: FormRow): void {
    this.rows++;
    const whole = new Uint32Array(2);
    for (const [index, form] of row.entries())
      for (const half of [0, 1] as const) {
        const hash = hashOf(form, half);
        this.#add(2 * index + half, hash);
        whole[half] = mixed((whole[half] ?? 0) ^ hash);
      }
    for (const half of [0, 1] as const) this.#add(this.#halves.length - 2 + half, whole[half] ?? 0);
  }

  /** The array wraps at 2^32. */
  #add(at: number, hash: number): void {
    this.#halves[at] = (this.#halves[at] ?? 0) + hash;
  }

  /** Whether two slices have the same rows. */
  isEqual(other: SliceSum): boolean {
    return this.rows === other.rows && this.#halves.every((half, at) => half === other.#halves[at]);
  }

  /** The columns in which two slices differ. None if rows have only exchanged values. */
  differences(other: SliceSum, { columns }: WarehouseTable): string[] {
    const differs = (at: number) => this.#halves[at] !== other.#halves[at];
    return columns.filter((_, index) => differs(2 * index) || differs(2 * index + 1)).map(({ name }) => name);
  }
}

/** No text has the form of null, which is no text. */
const hashOf = (form: Form, seed: number): number => (form === null ? 1 : hashText(form, seed));
