import { randomUUID } from 'node:crypto';
import { TributaryError } from '../errors';
import type { Add } from './actions';
import type { ColumnValues } from './columnValues';
import type { TableLocation } from './log';
import { type EncodedFile, type EncodeOptions, encodeParquetInSlices } from './parquet/encode';
import { withoutNullColumns } from './parquet/nullColumns';
import type { Field } from './schema';
import { deltaStats } from './statistics';

export interface RowsToWrite {
  readonly at: TableLocation;
  readonly fields: readonly Field[];
  /** Values by column, in the order of fields. */
  readonly columns: readonly ColumnValues[];
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

/** Encodes rows without the columns that hold nulls alone, because a column costs time and bytes even then. */
async function encode(options: EncodeOptions): Promise<EncodedFile> {
  const { stored, boundsOfAll } = withoutNullColumns(options);
  const file = await encodeParquetInSlices({ ...options, ...stored });
  return { ...file, bounds: boundsOfAll(file) };
}

/**
 * Stores an encoded file under a new name. `dataChange` is false when its rows are in the table already. If that fails, the file is not
 * left behind either: it may be there although the store did not answer.
 */
export async function storeDataFile(
  at: TableLocation,
  fields: readonly Field[],
  { bytes, numRecords, bounds }: EncodedFile,
  dataChange: boolean,
): Promise<Add> {
  const path = `part-00000-${randomUUID()}.snappy.parquet`;
  await orDiscard(at, { path }, () => at.store.put(`${at.table}/${path}`, bytes));
  return {
    path,
    partitionValues: {},
    size: bytes.length,
    modificationTime: Date.now(),
    dataChange,
    stats: deltaStats(fields, bounds, numRecords),
  };
}

/**
 * Deletes a file that will not be committed. Only if no commit of it was ever sent, or each was seen to have lost against another one:
 * else it may have succeeded, whatever became of its reply, so that its file is left to vacuum.
 */
export async function discardDataFile(at: TableLocation, { path }: Pick<Add, 'path'>): Promise<void> {
  // Vacuum deletes what cannot be deleted now.
  await at.store.delete(`${at.table}/${path}`).catch(() => {});
}

/** Does what comes before the commit of a file is sent. If it throws, the file is deleted before the error is passed on. */
export async function orDiscard<Result>(
  at: TableLocation,
  file: Pick<Add, 'path'> | undefined,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (file) await discardDataFile(at, file);
    throw error;
  }
}
