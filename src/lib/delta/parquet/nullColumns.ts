import { holdsOnlyNulls } from '../columnValues';
import type { EncodedFile, EncodeOptions } from './encode';

type Columns = Pick<EncodeOptions, 'fields' | 'columns'>;

/**
 * The columns that a file of these rows must hold. Columns that have only nulls are left out, because readers of a Delta table take a
 * missing column for nulls, as in files from before the column was added.
 * @returns those columns, and a function that turns the bounds of a file of them into the bounds of all columns
 */
export function withoutNullColumns({ fields, columns }: Columns): {
  stored: Columns;
  boundsOfAll: (file: Pick<EncodedFile, 'bounds' | 'numRecords'>) => EncodedFile['bounds'];
} {
  const isStored = fields.map(({ nullable }, index) => !nullable || !holdsOnlyNulls(columns[index] ?? []));
  // A file has at least one column: without one, it could not tell how many rows it has.
  if (!isStored.includes(true)) isStored.fill(true);
  const pick = <T>(all: readonly T[]): T[] => all.filter((_, index) => isStored[index]);
  const boundsOfAll = ({ bounds, numRecords }: Pick<EncodedFile, 'bounds' | 'numRecords'>) => {
    let next = 0;
    return isStored.map((has) => (has && bounds[next++]) || { nullCount: numRecords });
  };
  return { stored: { fields: pick(fields), columns: pick(columns) }, boundsOfAll };
}
