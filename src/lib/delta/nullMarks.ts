/** Marks the rows of a growing column that are null. Rows that were not marked have a value. */
export class NullMarks {
  /** One entry per row: 0 if the row is null, otherwise 1. It may be shorter or longer than the column. It is made at the first null. */
  #marks: Uint8Array | undefined;

  /** The marks of at least `length` rows. The caller may mark further rows in it. */
  upTo(length: number): Uint8Array {
    const marks = this.#marks;
    if (marks && length <= marks.length) return marks;
    const larger = new Uint8Array(Math.max(length, (marks?.length ?? 0) * 2, 16)).fill(1);
    if (marks) larger.set(marks);
    this.#marks = larger;
    return larger;
  }

  /** Marks rows from `start` on like the rows of another column. */
  copy(marks: Uint8Array | undefined, start: number): void {
    if (marks) this.upTo(start + marks.length).set(marks, start);
  }

  /** The marks of the first `length` rows; undefined if no row was ever null. */
  finish(length: number): Uint8Array | undefined {
    return this.#marks && this.upTo(length).subarray(0, length);
  }
}
