import { TributaryError } from '../errors';
import { type Commit, checkAdd, checkMetadata, checkProtocol, checkRemove, checkTxn } from './actions';
import { type CheckpointFiles, describeVersion, type TableLocation } from './log';
import { openDataFile } from './openDataFile';
import { readParquet } from './parquet/read';

const stateColumns = ['protocol', 'metaData', 'txn'];
const fileColumns = [...stateColumns, 'add', 'remove'];

/**
 * The actions of a classic checkpoint, one or many parts (PROTOCOL.md, "Checkpoints"), each part as a commit of that version.
 * Without `withFiles` only the protocol, metaData and txn columns are read. Undefined when a part is gone.
 * @throws `delta.invalid` or `parquet.invalid` naming the file when it is damaged
 */
export async function readCheckpoint(
  at: TableLocation,
  { version, paths }: CheckpointFiles,
  withFiles: boolean,
): Promise<Commit[] | undefined> {
  const parts: Commit[] = [];
  for (const path of paths) {
    const where = `${describeVersion(at, version)}, checkpoint ${path}`;
    const source = await openDataFile({ store: at.store, path, where });
    if (!source) return undefined;
    const { columns, numRecords } = await readParquet({
      source,
      columns: withFiles ? fileColumns : stateColumns,
      where,
    });
    parts.push(toCommit(version, columns, numRecords, where));
  }
  return parts;
}

function toCommit(
  version: number,
  columns: ReadonlyMap<string, readonly unknown[]>,
  rows: number,
  where: string,
): Commit {
  const commit = { version, adds: [], removes: [], txns: [] } as {
    version: number;
    protocol?: Commit['protocol'] & object;
    metaData?: Commit['metaData'] & object;
  } & { [kind in 'adds' | 'removes' | 'txns']: Commit[kind][number][] };
  const each = (name: string, take: (raw: unknown, at: string) => void) => {
    const column = columns.get(name);
    for (let row = 0; row < rows; row++) {
      const raw = column?.[row];
      if (raw !== null && raw !== undefined) take(withoutNulls(raw), `${where}, row ${row}`);
    }
  };
  each('protocol', (raw, at) => {
    commit.protocol = checkProtocol(raw, at);
  });
  each('metaData', (raw, at) => {
    commit.metaData = checkMetadata(raw, at);
  });
  each('txn', (raw, at) => commit.txns.push(checkTxn(raw, at)));
  each('add', (raw, at) => commit.adds.push(checkAdd(raw, at)));
  each('remove', (raw, at) => commit.removes.push(checkRemove(raw, at)));
  if (rows === 0) throw new TributaryError('delta.invalid', `${where}: the checkpoint is empty.`);
  return commit;
}

/** A column that is null in a checkpoint is a field that was absent in the commit. */
function withoutNulls(raw: unknown): unknown {
  if (typeof raw !== 'object' || raw === null) return raw;
  return Object.fromEntries(Object.entries(raw).filter(([, value]) => value !== null && value !== undefined));
}
