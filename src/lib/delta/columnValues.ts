import { NumberColumn } from './numberColumn';
import type { Value } from './schema';
import { TextColumn } from './textColumn';

/*
 * The values of one column. Numbers are kept in a typed array and texts in one buffer. That takes less memory than a list of values, and is
 * filled, copied and encoded several times as fast. Bytes, booleans and integers beyond 2^53 are kept as a list.
 */
export type ColumnValues = readonly Value[] | NumberColumn | TextColumn;

/** A row's value; undefined beyond the last row. */
export const valueAt = (column: ColumnValues, row: number): Value | undefined =>
  row < column.length ? column.at(row) : undefined;

/** Whether all values of the rows from `start` to before `end` are null. Some columns hardly ever have a value. */
export function holdsOnlyNulls(column: ColumnValues, start = 0, end = column.length): boolean {
  if (column instanceof NumberColumn || column instanceof TextColumn) {
    const { defined } = column;
    for (let row = start; row < end; row++) if (defined?.[row] !== 0) return false;
    return true;
  }
  for (let row = start; row < end; row++) if (column[row] !== null) return false;
  return true;
}
