import { createHash } from 'node:crypto';
import { openSnapshot } from '../../src/lib/delta/openTable';
import { readDataFile } from '../../src/lib/delta/readDataFile';
import { rowKeyColumns } from '../../src/lib/lake/rowAddress';
import { openAzureBlobStore } from '../../src/lib/storage/azureBlobStore';
import type { SqlValue } from './tds/syntax';
import type { TdsServer } from './tds/tdsServer';

export const clickColumns = [...rowKeyColumns, 'productid', 'sessionid'] as const;

/** A hash of all rows, each taken as text. It does not depend on their order. */
export const checksum = (rows: readonly (readonly unknown[])[]): string =>
  createHash('sha256')
    .update(
      rows
        .map((row) => row.join('|'))
        .sort()
        .join('\n'),
    )
    .digest('hex');

/** The values of these columns in all rows of a Delta table. */
export async function readDelta(
  connectionString: string,
  table: string,
  names: readonly string[],
): Promise<unknown[][]> {
  const store = await openAzureBlobStore({ connectionString }, 'lake');
  const snapshot = await openSnapshot({ store, table });
  if (!snapshot) throw new Error(`There is no table ${table}.`);
  const rows: unknown[][] = [];
  for (const add of snapshot.files.values()) {
    const { numRecords, columns } = await readDataFile(snapshot, add, names);
    for (let row = 0; row < numRecords; row++) rows.push(names.map((name) => columns.get(name)?.[row]));
  }
  return rows;
}

/** The values of these columns in all rows of a warehouse table. */
export const readServer = (server: TdsServer, table: string, names: readonly string[]): SqlValue[][] =>
  server.rows(table).map((row) => names.map((name) => row[name] ?? null));
