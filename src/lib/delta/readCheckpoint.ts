import { TributaryError } from '../errors';
import { nextTurn } from '../nextTurn';
import {
  type Add,
  type Commit,
  checkAdd,
  checkMetadata,
  checkProtocol,
  checkRemove,
  checkTxn,
  markKey,
} from './actions';
import { addMembers, type CheckpointPart, FileRows } from './fileRows';
import { type CheckpointFiles, describeVersion, type TableLocation } from './log';
import { openDataFile } from './openDataFile';
import { type ReadColumns, readRowGroups } from './parquet/read';
import { isSameEntry } from './position';
import { type Field, parseSchema, type ReadValue } from './schema';
import { statisticsAsJson } from './structStatistics';

const stateColumns = ['protocol', 'metaData', 'txn', 'sidecar'];
const fileColumns = [...stateColumns, 'add', 'remove'];

export interface ReadCheckpoint {
  /** The mark of the log entry that it was made of; undefined in checkpoints of other writers and of earlier releases. */
  readonly mark: string | undefined;
}

/**
 * Whether a checkpoint can have been made of the log entry that the log has. If not, storage has lost the commit that it was made of.
 * @param there the mark of the entry; undefined if the log does not hold it (any more), or it cannot be read
 */
export const isOfEntry = ({ mark }: ReadCheckpoint, there: string | undefined): boolean =>
  there === undefined || isSameEntry(there, mark);

/**
 * Reads a classic checkpoint of one or many parts (PROTOCOL.md, "Checkpoints"). It passes each row group's actions to `take` as if they
 * were a commit of that version, so that a checkpoint of any size needs the memory of a row group. Without `withFiles`, only the protocol,
 * metaData and txn columns are read. The result is undefined if a part is gone; then everything that `take` received must be dropped.
 * @throws `delta.invalid` or `parquet.invalid` naming the file when it is damaged, or when its files are in sidecars
 */
export async function readCheckpoint(
  at: TableLocation,
  { version, paths }: CheckpointFiles,
  withFiles: boolean,
  take: (part: CheckpointPart) => void,
): Promise<ReadCheckpoint | undefined> {
  let mark: string | undefined;
  let fields: readonly Field[] | undefined;
  let isEmpty = true;
  for (const path of paths) {
    const where = `${describeVersion(at, version)}, checkpoint ${path}`;
    const source = await openDataFile({ store: at.store, path, where });
    if (!source) return undefined;
    const columns = withFiles ? fileColumns : stateColumns;
    let rows = 0;
    const options = { source, columns, skipNulls: true, where, ...(withFiles && { members: addMembers }) };
    for await (const group of readRowGroups(options)) {
      const part = toPart(version, group, rows, where);
      if (part.adds.some(({ stats, stats_parsed: parsed }) => stats === undefined && parsed !== undefined))
        fields ??= await readFields(at, { version, paths });
      take({ ...part, adds: part.adds.map((add) => withJson(add, fields)) });
      rows += group.numRecords;
      mark ??= group.keyValues.get(markKey);
      // Other work can go on here, and the garbage collector can run: without a pause it falls far behind.
      await nextTurn();
    }
    // Spark distributes actions by their paths, so some of many parts may have none.
    if (rows > 0) isEmpty = false;
  }
  if (isEmpty)
    throw new TributaryError(
      'delta.invalid',
      `${describeVersion(at, version)}, checkpoint ${paths[0]}: the checkpoint is empty.`,
    );
  return { mark };
}

/** The columns of the table, from the row that has its metaData. */
async function readFields(at: TableLocation, { version, paths }: CheckpointFiles): Promise<Field[]> {
  for (const path of paths) {
    const where = `${describeVersion(at, version)}, checkpoint ${path}`;
    const source = await openDataFile({ store: at.store, path, where });
    if (!source) break;
    for await (const group of readRowGroups({ source, columns: ['metaData'], skipNulls: true, where })) {
      const { metaData } = toPart(version, group, 0, where);
      if (metaData) return parseSchema(metaData.schemaString, where);
    }
  }
  return [];
}

/** The add action with its statistics as JSON, which are made from the struct if the checkpoint has only that. */
function withJson(add: Add, fields: readonly Field[] = []): Add {
  if (add.stats_parsed === undefined) return add;
  const { stats_parsed: parsed, ...rest } = add;
  const stats = add.stats ?? statisticsAsJson(parsed as ReadValue, fields);
  return { ...rest, ...(stats === undefined ? {} : { stats }) } as Add;
}

/** The feature v2Checkpoint may have been turned off, while its checkpoint is still there under the name of a classic one. */
function refuseSidecars(where: string): never {
  throw new TributaryError(
    'delta.invalid',
    `${where}: the checkpoint has its files in sidecars, which are not read.`,
  );
}

function toPart(
  version: number,
  { columns, numRecords, members, stored }: ReadColumns,
  firstRow: number,
  where: string,
): CheckpointPart {
  const commit = { version, adds: [], removes: [], txns: [] } as {
    version: number;
    files?: FileRows;
    stored?: CheckpointPart['stored'];
    protocol?: Commit['protocol'] & object;
    metaData?: Commit['metaData'] & object;
  } & { [kind in 'adds' | 'removes' | 'txns']: Commit[kind][number][] };
  // A map or a list that must not be missing, but may be empty, is put in again, because its column may have been skipped as nulls.
  const each = (
    name: string,
    take: (raw: Readonly<Record<string, unknown>>, at: string, row: number) => void,
  ) => {
    const column = columns.get(name);
    for (let row = 0; row < numRecords; row++) {
      const raw = column?.[row];
      if (typeof raw === 'object' && raw !== null)
        take(withoutNulls(raw), `${where}, row ${firstRow + row}`, row);
    }
  };
  each('protocol', (raw, at) => {
    commit.protocol = checkProtocol(raw, at);
  });
  each('metaData', (raw, at) => {
    commit.metaData = checkMetadata({ partitionColumns: [], ...raw }, at);
  });
  each('txn', (raw, at) => commit.txns.push(checkTxn(raw, at)));
  each('sidecar', (_raw, at) => refuseSidecars(at));
  if (members) {
    const others = new Map<number, Readonly<Record<string, unknown>>>();
    each('add', (raw, _at, row) => others.set(row, raw));
    const at = (row: number) => `${where}, row ${firstRow + row}`;
    const files = new FileRows({ members, rows: numRecords, others, at });
    // Statistics that are only in the form of a struct become JSON, one action after the other.
    if (![...others.values()].some((raw) => raw.stats_parsed !== undefined)) commit.files = files;
    else for (const row of files.indices()) commit.adds.push(files.at(row));
  } else each('add', (raw, at) => commit.adds.push(checkAdd(raw, at)));
  each('remove', (raw, at) => {
    const empty = raw.extendedFileMetadata === true ? { partitionValues: {} } : {};
    commit.removes.push(checkRemove({ ...empty, ...raw }, at));
  });
  if (commit.files?.count === numRecords) commit.stored = stored;
  return commit;
}

/** The members that are not null. A column that is null in a checkpoint means that the commit did not have the field. */
function withoutNulls(raw: object): Readonly<Record<string, unknown>> {
  const present: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(raw))
    if (value !== null && value !== undefined) present[name] = value;
  return present;
}
