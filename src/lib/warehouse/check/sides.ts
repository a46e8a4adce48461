import { describeVersion } from '../../delta/log';
import { openSnapshot, openState } from '../../delta/openTable';
import { whyUnfollowable } from '../../delta/position';
import { findGone } from '../../delta/readDataFile';
import type { Snapshot } from '../../delta/state';
import { minuteMs } from '../../duration';
import { TributaryError } from '../../errors';
import type { WarehouseTable } from '../../streams/stream';
import { readRows } from '../deltaVersions';
import { readLedgerPosition } from '../ledgerPosition';
import { describeUnfollowable } from '../needsRebuild';
import { parseReplacing } from '../shadow';
import { fullName } from '../warehouse';
import { type FormRow, formOfAnswer, formOfCell } from './forms';
import { type Sides, type Slice, type Slices, sliceVersion, timeColumnOf } from './slices';

/*
 * Reads the rows of a table on both sides: in the lake, fitted as a load fits them, and in the warehouse.
 */

/**
 * Opens the version of the lake that the ledger names.
 * @throws `warehouse.unavailable` while a rebuilt table takes the place of this one; `warehouse.refused` if there is nothing to compare
 * with; what reading the log throws
 */
export async function openLoadedVersion({ warehouse, at, table }: Sides): Promise<Snapshot> {
  const name = `${warehouse.name}: ${fullName(table)}`;
  const position = await readLedgerPosition(warehouse, table);
  if (parseReplacing(position))
    throw new TributaryError(
      'warehouse.unavailable',
      `${name} is being replaced by a rebuilt table: try again when that is done.`,
    );
  if (position.version < 0)
    throw new TributaryError(
      'warehouse.refused',
      `${name} was never loaded: run "npm run warehouse -- sync".`,
    );
  const head = await openState(at);
  const because = head ? await whyUnfollowable(head, position) : 'made-again';
  if (because)
    throw new TributaryError(
      'warehouse.refused',
      `${name} needs a rebuild before it can be compared: ${describeUnfollowable(because, position.version)}.`,
    );
  const snapshot = await openSnapshot(at, { version: position.version });
  if (snapshot) return snapshot;
  throw versionIsGone(name, position.version);
}

const versionIsGone = (name: string, version: number) =>
  new TributaryError(
    'warehouse.refused',
    `${name} is loaded up to version ${version}, which the lake does not hold any more: load it first ("npm run warehouse -- sync"), or rebuild it.`,
  );

/** The error for a file of a version that is gone. A vacuum may have deleted it, unless the newest version needs it. */
async function fileIsGone({ at, warehouse, table }: Sides, version: number, path: string): Promise<Error> {
  const newest = await openSnapshot(at);
  return newest?.files.has(path)
    ? new TributaryError('parquet.invalid', `${describeVersion(at, newest.version)}, file ${path} is gone.`)
    : versionIsGone(`${warehouse.name}: ${fullName(table)}`, version);
}

/**
 * Divides the rows of a version into slices.
 * @throws `warehouse.refused` if a data file is gone that the newest version does not need; what reading the log and the files throws
 */
export async function sliceLake(sides: Sides, snapshot: Snapshot): Promise<Slices> {
  try {
    return await sliceVersion(sides, snapshot);
  } catch (error) {
    const gone = await findGone(error, snapshot, snapshot.files.values());
    throw gone ? await fileIsGone(sides, snapshot.version, gone.path) : error;
  }
}

/** Passes on every row of a version that fits the table, file by file. Returns how many rows do not fit. */
export async function readLake(
  sides: Sides,
  snapshot: Snapshot,
  take: (row: FormRow) => void,
): Promise<number> {
  const { table, warehouse, signal, onFile } = sides;
  let rejected = 0;
  let done = 0;
  for (const add of snapshot.files.values()) {
    signal.throwIfAborted();
    const read = await readRows(snapshot, [add], table);
    if ('gone' in read) throw await fileIsGone(sides, snapshot.version, read.gone);
    rejected += read.rejected.length;
    for (let index = 0; index < read.count; index++)
      take(
        table.columns.map(({ type }, column) =>
          formOfCell(read.columns[column]?.[index] ?? null, type, warehouse.kind),
        ),
      );
    onFile?.(++done, snapshot.files.size);
  }
  return rejected;
}

/** The rows of one slice in the warehouse. */
export async function readSlice({ warehouse, table, signal }: Sides, slice: Slice): Promise<FormRow[]> {
  signal.throwIfAborted();
  const columns = table.columns.map(({ name }) => quoteName(name)).join(', ');
  const from = `${quoteName(table.schema)}.${quoteName(table.name)}`;
  const rows = await warehouse.query(`SELECT ${columns} FROM ${from}${whereSlice(table, slice)}`);
  return rows.map((row) =>
    table.columns.map(({ name, type }) => formOfAnswer(row[name], type, warehouse.kind)),
  );
}

/** How many rows of the lake were rejected, according to the warehouse. */
export async function countRejected({ warehouse, table }: Sides): Promise<number> {
  const name = fullName(table).replaceAll("'", "''");
  // The sum is used, because COUNT(*) of T-SQL ends at 2^31.
  const [row] = await warehouse.query(
    `SELECT CAST(SUM(CAST(1 AS bigint)) AS varchar(40)) AS row_count FROM ops.rejected_rows WHERE table_name = '${name}'`,
  );
  return Number(row?.row_count ?? 0);
}

function whereSlice(table: WarehouseTable, slice: Slice): string {
  const column = table.columns[timeColumnOf(table) ?? -1];
  // If the table has no time, all rows are in one slice.
  if (!column) return '';
  const name = quoteName(column.name);
  if (slice === 'none') return ` WHERE ${name} IS NULL`;
  const { from, to } = slice;
  const bounds = [
    ...(from === undefined ? [] : [`${name} >= '${timeOf(from)}'`]),
    ...(to === undefined ? [] : [`${name} < '${timeOf(to)}'`]),
  ];
  // Rows without a time need a condition of their own, because for them a comparison is never true.
  return ` WHERE ${bounds.length > 0 ? bounds.join(' AND ') : `${name} IS NOT NULL`}`;
}

/** A minute in a form that all engines read in the same way, whatever the language of the session. */
const timeOf = (minute: number) => new Date(minute * minuteMs).toISOString().slice(0, -1);

const quoteName = (name: string) => `"${name.replaceAll('"', '""')}"`;
