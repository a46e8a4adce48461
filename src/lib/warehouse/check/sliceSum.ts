import { hashText } from '../../hash';
import type { WarehouseTable } from '../../streams/stream';
import type { Form, FormRow } from './forms';

/** The number of rows of a slice, and for each column a checksum of 64 bits in which the order of the rows does not count. */
export class SliceSum {
  rows = 0;
  /** Two halves for each column. */
  readonly #halves: Uint32Array;

  constructor({ columns }: WarehouseTable) {
    this.#halves = new Uint32Array(2 * columns.length);
  }

  add(row: FormRow): void {
    this.rows++;
    for (const [index, form] of row.entries()) {
      this.#add(2 * index, hashOf(form, 0));
      this.#add(2 * index + 1, hashOf(form, 1));
    }
  }

  /** The array wraps at 2^32. */
  #add(at: number, hash: number): void {
    this.#halves[at] = (this.#halves[at] ?? 0) + hash;
  }

  /** The columns in which two slices differ. */
  differences(other: SliceSum, { columns }: WarehouseTable): string[] {
    const differs = (at: number) => this.#halves[at] !== other.#halves[at];
    return columns.filter((_, index) => differs(2 * index) || differs(2 * index + 1)).map(({ name }) => name);
  }
}

/** No text has the form of null, which is no text. */
const hashOf = (form: Form, seed: number): number => (form === null ? 1 : hashText(form, seed));
