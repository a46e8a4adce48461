import { randomUUID } from 'node:crypto';
import { TributaryError } from '../errors';
import type { Add } from './actions';
import type { TableLocation } from './log';
import { type EncodedFile, type EncodeOptions, encodeParquetInSlices } from './parquet/encode';
import type { Field, Value } from './schema';
import { deltaStats } from './statistics';

export interface RowsToWrite {
  readonly at: TableLocation;
  readonly fields: readonly Field[];
  /** Values by column, in the order of fields. */
  readonly columns: readonly (readonly Value[])[];
}

/**
 * Writes new rows as one Parquet file into a table's folder and returns the action that makes it part of the table. Until
 * that is committed nobody reads the file.
 * @throws `parquet.value` naming column and row when a value does not fit
 */
export async function writeDataFile({ at, fields, columns }: RowsToWrite): Promise<Add> {
  const where = `${at.store.name}/${at.table}`;
  return storeDataFile(at, fields, await encode({ fields, columns, where }), true);
}

/** Stores the file of an earlier `writeDataFile` again, with the same rows under the same name, where storage has lost it. */
export async function restoreDataFile(
  { at, fields, columns }: RowsToWrite,
  { path, size }: Add,
): Promise<void> {
  const where = `${at.store.name}/${at.table}`;
  const { bytes } = await encode({ fields, columns, where });
  if (bytes.length !== size)
    throw new TributaryError('delta.invalid', `${where}: the file ${path} cannot be made again.`);
  await at.store.put(`${at.table}/${path}`, bytes);
}

/**
 * Encodes rows without the columns that hold nulls alone, because a column costs time and bytes even then. Readers of a Delta table
 * take a column that a file does not have for null, as in files from before the column was added.
 */
async function encode(options: EncodeOptions): Promise<EncodedFile> {
  const { fields, columns } = options;
  const isStored = fields.map(
    ({ nullable }, index) => !nullable || columns[index]?.some((value) => value !== null),
  );
  // A file has at least one column, because its rows could not be told otherwise.
  if (!isStored.includes(false) || !isStored.includes(true)) return encodeParquetInSlices(options);
  const stored = <T>(all: readonly T[]): T[] => all.filter((_, index) => isStored[index]);
  const file = await encodeParquetInSlices({
    ...options,
    fields: stored(fields),
    columns: stored(columns),
  });
  let next = 0;
  const bounds = isStored.map((has) =>
    has ? (file.bounds[next++] ?? { nullCount: 0 }) : { nullCount: file.numRecords },
  );
  return { ...file, bounds };
}

/** Stores an encoded file under a new name. `dataChange` is false when its rows are in the table already. */
export async function storeDataFile(
  at: TableLocation,
  fields: readonly Field[],
  { bytes, numRecords, bounds }: EncodedFile,
  dataChange: boolean,
): Promise<Add> {
  const path = `part-00000-${randomUUID()}.snappy.parquet`;
  await at.store.put(`${at.table}/${path}`, bytes);
  return {
    path,
    partitionValues: {},
    size: bytes.length,
    modificationTime: Date.now(),
    dataChange,
    stats: deltaStats(fields, bounds, numRecords),
  };
}
