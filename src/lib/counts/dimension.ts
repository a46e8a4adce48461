import type { Counted } from '../streams/stream';

/** What one fold counts: rows per value of the column `key`. */
export interface Dimension {
  /** Rows without a value here are not counted. */
  readonly key: string;
  /** A second column, of which each value of `key` keeps the last value; missing if there is none. */
  readonly attribute?: string;
  /** Whether it is one of the further dimensions of a stream. */
  readonly isFurther?: boolean;
}

/** The dimensions of a stream, each of which is counted for itself. The first is the one of `key` and `attribute`. */
export const dimensionsOf = ({ key, attribute, dimensions = [] }: Counted): readonly Dimension[] => [
  { key, attribute },
  ...dimensions.map((name) => ({ key: name, isFurther: true })),
];

/**
 * Where the state of a dimension is kept in the table's folder, and the txn that says which of its keys are kept. Delta readers and
 * vacuum ignore names that begin with an underscore.
 */
export function placeOf({ key, isFurther }: Dimension): { readonly folder: string; readonly appId: string } {
  const name = encodeURIComponent(key);
  return isFurther
    ? { folder: `_counts/by/${name}`, appId: `counts/kept/${name}` }
    : { folder: '_counts', appId: 'counts/kept' };
}

/** Names the columns that are counted. What was counted by others cannot be gone on with. */
export const columnsOfDimension = ({ key, attribute }: Dimension): string =>
  JSON.stringify([key, attribute ?? null]);
