import { append, createTable } from '../../src/lib/delta/commit';
import type { TableLocation } from '../../src/lib/delta/log';
import { openSnapshot, openState } from '../../src/lib/delta/openTable';
import { readDataFile } from '../../src/lib/delta/readDataFile';
import type { Field, ReadValue, Value } from '../../src/lib/delta/schema';
import type { Snapshot, TableState } from '../../src/lib/delta/state';
import { writeDataFile } from '../../src/lib/delta/writeDataFile';
import { toText } from './texts';

/** The newest state of a table, which must exist. */
export async function stateOf(at: TableLocation): Promise<TableState> {
  const state = await openState(at);
  if (!state) throw new Error(`There is no table ${at.table}.`);
  return state;
}

export async function snapshotOf(at: TableLocation, version?: number): Promise<Snapshot> {
  const snapshot = await openSnapshot(at, version === undefined ? {} : { version });
  if (!snapshot) throw new Error(`There is no table ${at.table}.`);
  return snapshot;
}

/** Appends rows as one file in one commit. Creates the table first if it does not exist. */
export async function appendRows(
  at: TableLocation,
  fields: readonly Field[],
  rows: readonly (readonly Value[])[],
  txns: readonly { appId: string; version: number }[] = [],
): Promise<TableState> {
  if (!(await openState(at))) await createTable(at, fields);
  const columns = fields.map((_, column) => rows.map((row) => row[column] ?? null));
  const adds = [await writeDataFile({ at, fields, columns })];
  const { outcome, state } = await append({ state: await stateOf(at), fields, adds, txns });
  if (outcome !== 'committed') throw new Error(`The append to ${at.table} came to: ${outcome}.`);
  return state;
}

/** All rows as texts by column, in no particular order. */
export async function readTexts(
  at: TableLocation,
  version?: number,
): Promise<Map<string, (string | null)[]>> {
  const columns = await readColumns(at, version);
  return new Map([...columns].map(([name, values]) => [name, values.map(toText)]));
}

export async function readColumns(at: TableLocation, version?: number): Promise<Map<string, ReadValue[]>> {
  const snapshot = await snapshotOf(at, version);
  const names = snapshot.fields.map(({ name }) => name);
  const whole = new Map<string, ReadValue[]>(names.map((name) => [name, []]));
  for (const add of snapshot.files.values()) {
    const { columns } = await readDataFile(snapshot, add, names);
    for (const [name, values] of columns) for (const value of values) whole.get(name)?.push(value);
  }
  return whole;
}

/** Rows as one text each, sorted, to compare two tables. */
export function sortedRows(columns: ReadonlyMap<string, readonly (string | null)[]>): string[] {
  const names = [...columns.keys()].sort();
  const count = columns.get(names[0] ?? '')?.length ?? 0;
  return Array.from({ length: count }, (_, row) =>
    JSON.stringify(names.map((name) => [name, columns.get(name)?.[row] ?? null])),
  ).sort();
}
