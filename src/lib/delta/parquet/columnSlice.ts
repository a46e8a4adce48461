import type { Field } from '../schema';
import type { ColumnBounds } from '../statistics';

/** A slice of a column to encode. `reject` throws; it is called with the row that the column cannot hold. */
export interface SliceOf<Values> {
  readonly field: Field;
  readonly values: Values;
  readonly start: number;
  readonly end: number;
  readonly reject: (row: number) => never;
  /** False if nobody needs the bounds. Then they may be missing. */
  readonly needsBounds?: boolean;
}

export interface EncodedValues {
  /** The values that are not null in PLAIN encoding (parquet-format, Encodings.md); with a dictionary, their indices. */
  readonly bytes: Buffer;
  /** The dictionary that the indices point into, in PLAIN encoding. */
  readonly dictionary?: { readonly bytes: Buffer; readonly count: number };
  readonly bounds: ColumnBounds;
  /** One entry per row: 0 if the row is null, otherwise 1. Undefined if no row is null. */
  readonly levels: Uint8Array | undefined;
}

/** A column in a typed array, with marks that say which rows are null. */
interface Marked {
  readonly defined: Uint8Array | undefined;
}

/** The levels of the slice; undefined if none of its rows is null. */
export function levelsOf({ defined }: Marked, start: number, end: number): Uint8Array | undefined {
  const marks = defined?.subarray(start, end);
  return marks?.includes(0) ? marks : undefined;
}

/** The first row from `start` on that is null. The column must have one. */
export const firstNull = ({ defined }: Marked, start: number): number => defined?.indexOf(0, start) ?? start;
