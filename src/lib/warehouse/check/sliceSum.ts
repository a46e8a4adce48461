import { hashText, mixed } from '../../hash';
import type { WarehouseTable } from '../../streams/stream';
import type { Form, FormRow } from './forms';

/**
 * The number of rows of a slice, and checksums of 64 bits that do not depend on the order of the rows: one for each column, and one of
 * whole rows. The latter differs even if rows have only exchanged values of a column.
 */
export class SliceSum {
  rows = 0;
  /** Two halves for each column, and two for whole rows. */
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

  /** Adds to a half. The array drops what exceeds 32 bits. */
  #add(at: number, hash: number): void {
    this.#halves[at] = (this.#halves[at] ?? 0) + hash;
  }

  /** Whether two slices have the same rows. */
  isEqual(other: SliceSum): boolean {
    return this.rows === other.rows && this.#halves.every((half, at) => half === other.#halves[at]);
  }

  /** The columns in which two slices differ; none if rows have only exchanged values. */
  differences(other: SliceSum, { columns }: WarehouseTable): string[] {
    const differs = (at: number) => this.#halves[at] !== other.#halves[at];
    return columns.filter((_, index) => differs(2 * index) || differs(2 * index + 1)).map(({ name }) => name);
  }
}

/** The hash of a form. Null is no text, so it has a fixed hash. */
const hashOf = (form: Form, seed: number): number => (form === null ? 1 : hashText(form, seed));
