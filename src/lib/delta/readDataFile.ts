import type { Add } from './actions';
import { dataFilePath, describeVersion } from './log';
import { dataFile } from './openDataFile';
import { readParquet } from './parquet/read';
import type { ReadValue } from './schema';
import type { TableState } from './state';

/**
 * The wanted columns of one live file, by name, each as long as the file has rows; a column that the file was written
 * without is all nulls.
 * @throws `parquet.invalid` naming table, version and file when it is gone or damaged
 */
export async function readDataFile(
  state: TableState,
  add: Add,
  wanted: readonly string[],
): Promise<{ numRecords: number; columns: ReadonlyMap<string, readonly ReadValue[]> }> {
  const { at, version } = state;
  const path = dataFilePath(at, add.path, version);
  const where = `${describeVersion(at, version)}, file ${add.path}`;
  const source = dataFile({ store: at.store, path, where }, add.size);
  const { numRecords, columns } = await readParquet({ source, columns: wanted, where });
  const complete = new Map<string, readonly ReadValue[]>();
  for (const name of wanted) complete.set(name, columns.get(name) ?? new Array(numRecords).fill(null));
  return { numRecords, columns: complete };
}
