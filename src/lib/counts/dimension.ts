import type { Counted } from '../streams/stream';

/** A column by whose values rows are counted, and an attribute that goes with each value. */
export interface Dimension {
  /** Rows without a value here are not counted. */
  readonly key: string;
  /** A second column. Each value of `key` keeps the last value of this column. Missing if there is none. */
  readonly attribute?: string;
  /** True for all dimensions of a stream but the first. */
  readonly isFurther?: boolean;
}

/** The dimensions of a stream, each of which is counted for itself. The first is the one of `key` and `attribute`. */
export const dimensionsOf = ({ key, attribute, dimensions = [] }: Counted): readonly Dimension[] => [
  { key, attribute },
  ...dimensions.map((name) => ({ key: name, isFurther: true })),
];

/**
 * Where the state of a dimension is kept in the table's folder, and which txn says which of its keys are kept. The folder's name begins
 * with an underscore, so Delta readers and vacuum ignore it.
 */
export function placeOf({ key, isFurther }: Dimension): { readonly folder: string; readonly appId: string } {
  const name = encodeURIComponent(key);
  return isFurther
    ? { folder: `_counts/by/${name}`, appId: `counts/kept/${name}` }
    : { folder: '_counts', appId: 'counts/kept' };
}

/** A text that names the counted columns. Counts of other columns cannot be continued. */
export const columnsOfDimension = ({ key, attribute }: Dimension): string =>
  JSON.stringify([key, attribute ?? null]);
