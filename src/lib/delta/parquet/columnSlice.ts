import type { Field } from '../schema';
import type { ColumnBounds } from '../statistics';

/** A slice of a column to encode. `reject` throws; it is called with the row that the column cannot hold. */
export interface SliceOf<Values> {
  readonly field: Field;
  readonly values: Values;
  readonly start: number;
  readonly end: number;
  readonly reject: (row: number) => never;
  /** False if nobody asks for the bounds, which may be missing then. */
  readonly needsBounds?: boolean;
}

export interface EncodedValues {
  /** The values that are not null in PLAIN encoding (parquet-format, Encodings.md); with a dictionary, their indices. */
  readonly bytes: Buffer;
  /** The dictionary that the indices point into, in PLAIN encoding. */
  readonly dictionary?: { readonly bytes: Buffer; readonly count: number };
  readonly bounds: ColumnBounds;
  /** One entry a row, 0 where it is null; undefined when no row is. */
  readonly levels: Uint8Array | undefined;
}

/** A column in a typed array, which says of each row whether it is null. */
interface Marked {
  readonly defined: Uint8Array | undefined;
}

/** The levels of the slice; undefined where no row of it is null. */
export function levelsOf({ defined }: Marked, start: number, end: number): Uint8Array | undefined {
  const marks = defined?.subarray(start, end);
  return marks?.includes(0) ? marks : undefined;
}

/** The first row from `start` on that is null; one must be. */
export const firstNull = ({ defined }: Marked, start: number): number => defined?.indexOf(0, start) ?? start;
