import { append, createTable } from '../../../src/lib/delta/commit';
import type { TableLocation } from '../../../src/lib/delta/log';
import { openSnapshot, openState } from '../../../src/lib/delta/openTable';
import { readDataFile } from '../../../src/lib/delta/readDataFile';
import { type Field, field, type ReadValue, type Value } from '../../../src/lib/delta/schema';
import type { Snapshot, TableState } from '../../../src/lib/delta/state';
import { writeDataFile } from '../../../src/lib/delta/writeDataFile';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';

/** Columns of the tests' table. */
export const fields = [field('id', 'long', false), field('name', 'string')];

export const newLocation = (): TableLocation => ({ store: new MemoryStore(), table: 'events' });

export async function stateOf(at: TableLocation): Promise<TableState> {
  const state = await openState(at);
  if (!state) throw new Error('There is no table.');
  return state;
}

export async function snapshotOf(at: TableLocation, version?: number): Promise<Snapshot> {
  const snapshot = await openSnapshot(at, version === undefined ? {} : { version });
  if (!snapshot) throw new Error('There is no table.');
  return snapshot;
}

/** Creates the table if necessary, and appends one file per commit, each with `rows` rows numbered from `first` on. */
export async function appendFiles(
  at: TableLocation,
  files: number,
  options: { rows?: number; first?: number; configuration?: Record<string, string>; fields?: Field[] } = {},
): Promise<TableState> {
  const { rows = 10, first = 0, configuration = {}, fields: columns = fields } = options;
  if (!(await openState(at)))
    await createTable(at, columns, { 'delta.appendOnly': 'true', ...configuration });
  let state = await stateOf(at);
  for (let file = 0; file < files; file++) {
    const ids = Array.from({ length: rows }, (_, row) => first + file * rows + row);
    const names = ids.map((id): Value => (id % 7 === 0 ? null : `name ${id}`));
    const add = await writeDataFile({ at, fields: columns, columns: [ids, names].slice(0, columns.length) });
    const txns = [{ appId: 'p0', version: first + (file + 1) * rows - 1 }];
    const after = await append({ state, fields: columns, adds: [add], txns });
    if (after.outcome !== 'committed') throw new Error(after.outcome);
    state = after.state;
  }
  return state;
}

/** Rows of the newest version, or of another, as arrays in the order of the schema, sorted by the first column. */
export async function readRows(at: TableLocation, version?: number): Promise<ReadValue[][]> {
  const snapshot = await snapshotOf(at, version);
  const names = snapshot.fields.map(({ name }) => name);
  const rows: ReadValue[][] = [];
  for (const add of snapshot.files.values()) {
    const { numRecords, columns } = await readDataFile(snapshot, add, names);
    for (let row = 0; row < numRecords; row++)
      rows.push(names.map((name) => columns.get(name)?.[row] ?? null));
  }
  return rows.sort((a, b) => Number(a[0]) - Number(b[0]));
}

export async function pathsOf(at: TableLocation, prefix = ''): Promise<string[]> {
  const paths: string[] = [];
  for await (const { path } of at.store.list(`${at.table}/${prefix}`)) paths.push(path);
  return paths;
}
