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
 * Whether a checkpoint may have been made of the log entry that is there. If not, it was made of a commit that storage has lost.
 * @param there the mark of the entry; undefined if the log does not hold it (any more), or it cannot be read
 */
export const isOfEntry = ({ mark }: ReadCheckpoint, there: string | undefined): boolean =>
  there === undefined || isSameEntry(there, mark);

/**
 * Reads a classic checkpoint, one or many parts (PROTOCOL.md, "Checkpoints"), and hands each row group's actions to `take` as if
 * they were a commit of that version: a checkpoint of any size needs the memory of a row group. Without `withFiles` only the
 * protocol, metaData and txn columns are read. Undefined if a part is gone; then drop everything that `take` received.
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
      // Let other work run, and give the garbage collector a turn, because without one it falls far behind.
      await nextTurn();
    }
    // Spark spreads actions by their paths, so that some of many parts may get none.
    if (rows > 0) isEmpty = false;
  }
  if (isEmpty)
    throw new TributaryError(
      'delta.invalid',
      `${describeVersion(at, version)}, checkpoint ${paths[0]}: the checkpoint is empty.`,
    );
  return { mark };
}

/** The columns of the table, from whichever row holds its metaData. */
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

/** An add action whose statistics are JSON, if the checkpoint holds them as a struct. */
function withJson(add: Add, fields: readonly Field[] = []): Add {
  if (add.stats_parsed === undefined) return add;
  const { stats_parsed: parsed, ...rest } = add;
  const stats = add.stats ?? statisticsAsJson(parsed as ReadValue, fields);
  return { ...rest, ...(stats === undefined ? {} : { stats }) } as Add;
}

/** The feature v2Checkpoint may be off again, and its checkpoint still be there, under the name of a classic one. */
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
  // Where a map or a list may be empty but not missing, it is filled in again: pruned columns leave it out.
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
    // Statistics that are a struct alone are made JSON action by action.
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

/** A column that is null in a checkpoint is a field that was absent in the commit. */
function withoutNulls(raw: object): Readonly<Record<string, unknown>> {
  const present: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(raw))
    if (value !== null && value !== undefined) present[name] = value;
  return present;
}
