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
  /** The values by column, in the order of the fields. */
  readonly columns: readonly ColumnValues[];
}

/**
 * Writes new rows as one Parquet file into a table's folder. Returns the action that makes the file part of the table. Until that action is
 * committed, nobody reads the file.
 * @throws `parquet.value` naming column and row when a value does not fit
 */
export async function writeDataFile({ at, fields, columns }: RowsToWrite): Promise<Add> {
  const where = `${at.store.name}/${at.table}`;
  return storeDataFile(at, fields, await encode({ fields, columns, where }), true);
}

/** Stores a file of an earlier `writeDataFile` again, with the same rows and name, because storage has lost it. */
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

/** Encodes rows. Columns that have only nulls are left out, because even they cost time and bytes. */
async function encode(options: EncodeOptions): Promise<EncodedFile> {
  const { stored, boundsOfAll } = withoutNullColumns(options);
  const file = await encodeParquetInSlices({ ...options, ...stored });
  return { ...file, bounds: boundsOfAll(file) };
}

/**
 * Stores an encoded file under a new name. `dataChange` is false if its rows are in the table already. If storing fails, the file is
 * deleted, because it may be there although the store did not answer.
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
 * Deletes a file that will not be committed. Call it only if no commit of the file was sent, or if each was seen to have lost a race.
 * Otherwise a commit may have succeeded although its reply was lost, and the file must be left to vacuum.
 */
export async function discardDataFile(at: TableLocation, { path }: Pick<Add, 'path'>): Promise<void> {
  // If it cannot be deleted now, vacuum deletes it later.
  await at.store.delete(`${at.table}/${path}`).catch(() => {});
}

/** Does work that must come before a file is committed. If it throws, the file is deleted before the error is passed on. */
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
