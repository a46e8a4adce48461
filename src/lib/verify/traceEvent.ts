import type { Commit } from '../delta/actions';
import { listLog, readCommit, type TableLocation } from '../delta/log';
import { openSnapshot, openState } from '../delta/openTable';
import type { Field, ReadValue } from '../delta/schema';
import type { Snapshot } from '../delta/state';
import { deadLettersTable, isRangeReason, parseRange } from '../lake/deadLetters';
import { filesWith, holds, mayContain, scanRows } from '../lake/scanRows';
import type { ObjectStore } from '../storage/objectStore';
import type { Stream } from '../streams/stream';
import { type AddedFile, findReplay } from './findReplay';
import { type PartitionTxn, partitionTxns } from './sourcePartition';

/** A row or a dead letter in its table. */
export interface TracedRow {
  /** The live file that has the row now. After a compaction this is not the file that its commit added. */
  readonly file: AddedFile;
  readonly values: Readonly<Record<string, ReadValue>>;
  /** The table's schema, in whose order the values are listed. */
  readonly fields: readonly Field[];
}

/** The commit that moved past an event. */
export interface TracedCommit {
  readonly version: number;
  /** Milliseconds since 1970. */
  readonly timestamp: number | undefined;
  /** Files that it added. */
  readonly files: readonly string[];
  /** True if the log before this commit was cleaned away. Then an earlier commit may have moved past the event. */
  readonly orEarlier: boolean;
}

/** The story of one sequence number in one generation of a hub. */
export interface EventStory extends PartitionTxn {
  /** `after-last` if it is above the last event of a hub, and the table has events of one that was made later: no more will come. */
  readonly outcome: 'found' | 'never-came' | 'below-first' | 'not-committed' | 'after-last' | 'missing';
  /** The commit that moved past the event; undefined if there is none yet, or the log no longer has it. */
  readonly commit: TracedCommit | undefined;
  readonly rows: readonly TracedRow[];
  readonly letters: readonly TracedRow[];
  /** The first sequence number of the partition in the table. It is only looked up if the event is missing. */
  readonly first: number | undefined;
  /**
   * The commit that added the rows of dead letters. Undefined if no row was replayed, or if neither the log nor the file tells which commit
   * it was.
   */
  readonly replay: TracedReplay | undefined;
}

/** A replay of dead letters. */
export type TracedReplay = Pick<TracedCommit, 'version' | 'timestamp'>;

export interface TraceOptions {
  readonly store: ObjectStore;
  readonly stream: Stream;
  readonly partition: number;
  readonly sequenceNumber: number;
}

/**
 * Finds out what happened to an event, in each generation of the hub whose partition is in the table, the oldest first. Undefined if the
 * stream has no table.
 */
export async function traceEvent(options: TraceOptions): Promise<EventStory[] | undefined> {
  const { store, stream, partition } = options;
  const snapshot = await openSnapshot({ store, table: stream.table });
  if (!snapshot) return undefined;
  const letterTable = await openSnapshot({ store, table: deadLettersTable });
  const txns = partitionTxns(snapshot.txns.values()).filter((txn) => txn.partition === partition);
  txns.sort((a, b) => a.hubCreatedAt - b.hubCreatedAt);
  return Promise.all(
    txns.map((txn, index) =>
      tellStory({ snapshot, letterTable, txn, isNewest: index === txns.length - 1 }, options),
    ),
  );
}

/** The partitions of which a table has events, in ascending order. */
export async function partitionsOf(at: TableLocation): Promise<number[]> {
  const state = await openState(at);
  const partitions = partitionTxns(state?.txns.values() ?? []).map(({ partition }) => partition);
  return [...new Set(partitions)].sort((a, b) => a - b);
}

/** Where to look for an event: in one generation of its hub. */
interface TracedGeneration {
  readonly snapshot: Snapshot;
  readonly letterTable: Snapshot | undefined;
  readonly txn: PartitionTxn;
  /** Whether the table has no events of a hub that was made later. */
  readonly isNewest: boolean;
}

async function tellStory(
  { snapshot, letterTable, txn, isNewest }: TracedGeneration,
  { stream, sequenceNumber }: TraceOptions,
): Promise<EventStory> {
  const isOurs = (values: TracedRow['values']) => values.sequence_number === sequenceNumber;
  const rows = await findRows(snapshot, txn, { sequenceNumber, isWanted: isOurs });
  const found = letterTable
    ? await findRows(letterTable, txn, {
        isWanted: (values) =>
          values.stream === stream.name && (isOurs(values) || rangeHolds(values, sequenceNumber)),
      })
    : [];
  const letters = found.filter(({ values }) => !rangeHolds(values, sequenceNumber));
  const ranges = found.filter(({ values }) => rangeHolds(values, sequenceNumber));
  const committed = sequenceNumber <= txn.version;
  const story = {
    ...txn,
    rows,
    letters: [...letters, ...ranges],
    commit: committed ? await findCommit(snapshot.at, txn.appId, sequenceNumber) : undefined,
    first: undefined,
    replay: await replayOf(snapshot.at, rows, letters),
  };
  if (rows.length > 0 || letters.length > 0) return { ...story, outcome: 'found' };
  if (ranges.length > 0) return { ...story, outcome: 'never-came' };
  if (!committed) return { ...story, outcome: isNewest ? 'not-committed' : 'after-last' };
  const first = await findFirst(snapshot, txn);
  return {
    ...story,
    first,
    outcome: first !== undefined && sequenceNumber < first ? 'below-first' : 'missing',
  };
}

/** The replay that turned a letter into a row. The row has the address of the letter. */
async function replayOf(
  at: TableLocation,
  rows: readonly TracedRow[],
  letters: readonly TracedRow[],
): Promise<TracedReplay | undefined> {
  const lettered = new Set(letters.map(({ values }) => values.element));
  for (const { file } of rows.filter(({ values }) => lettered.has(values.element))) {
    const commit = await findReplay(at, file);
    if (commit) return { version: commit.version, timestamp: commit.commitInfo?.timestamp };
  }
  return undefined;
}

/** Whether a letter stands for a range of events that includes this one. */
function rangeHolds({ reason, body }: TracedRow['values'], sequenceNumber: number): boolean {
  const range = isRangeReason(reason) ? parseRange(body) : undefined;
  return range !== undefined && range.first <= sequenceNumber && sequenceNumber <= range.last;
}

async function findRows(
  snapshot: Snapshot,
  { hubCreatedAt, partition }: PartitionTxn,
  options: { sequenceNumber?: number; isWanted: (values: TracedRow['values']) => boolean },
): Promise<TracedRow[]> {
  const { sequenceNumber, isWanted } = options;
  const columns = snapshot.fields.map(({ name }) => name);
  const found: TracedRow[] = [];
  const files = filesWith(
    snapshot,
    'sequence_number',
    (range) => sequenceNumber === undefined || holds(range, sequenceNumber),
  ).filter(mayContain(snapshot, 'hub_partition', (range) => holds(range, partition)));
  await scanRows({ state: snapshot, files, columns }, (row, file) => {
    const values = Object.fromEntries(columns.map((name, index) => [name, row[index] ?? null]));
    const isHere = values.hub_partition === partition && values.hub_created_at === hubCreatedAt;
    if (isHere && isWanted(values)) found.push({ file, values, fields: snapshot.fields });
  });
  return found.sort((a, b) => Number(a.values.element) - Number(b.values.element));
}

/** The lowest sequence number of a partition among the rows. */
async function findFirst(
  snapshot: Snapshot,
  { hubCreatedAt, partition }: PartitionTxn,
): Promise<number | undefined> {
  let first: number | undefined;
  const scan = {
    state: snapshot,
    files: filesWith(snapshot, 'hub_partition', (range) => holds(range, partition)),
    columns: ['hub_created_at', 'hub_partition', 'sequence_number'],
  };
  await scanRows(scan, (row) => {
    if (row[0] !== hubCreatedAt || row[1] !== partition) return;
    const sequenceNumber = Number(row[2]);
    first = Math.min(first ?? sequenceNumber, sequenceNumber);
  });
  return first;
}

/**
 * The first commit whose txn for the partition reached the sequence number. Txns only grow, so a binary search of the log finds it.
 * Commits that do not move this partition are skipped.
 */
async function findCommit(
  at: TableLocation,
  appId: string,
  sequenceNumber: number,
): Promise<TracedCommit | undefined> {
  const { commits } = await listLog(at);
  let found: Commit | undefined;
  let low = 0;
  let high = commits.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    let index = middle;
    let commit: Commit | undefined;
    let reached: number | undefined;
    for (; index < high && reached === undefined; index++) {
      commit = await readCommit(at, commits[index] ?? -1);
      reached = commit?.txns.find((txn) => txn.appId === appId)?.version;
    }
    if (reached !== undefined && reached < sequenceNumber) low = index;
    else {
      if (reached !== undefined) found = commit;
      high = middle;
    }
  }
  if (!found) return undefined;
  const { version, commitInfo, adds } = found;
  return {
    version,
    timestamp: commitInfo?.timestamp,
    files: adds.map(({ path }) => path),
    orEarlier: commits[0] !== 0 && !(await hasEarlier(at, commits, appId, version)),
  };
}

/** Whether the log still has an earlier commit that moved the partition. */
async function hasEarlier(at: TableLocation, commits: readonly number[], appId: string, version: number) {
  for (const earlier of commits.filter((each) => each < version).reverse()) {
    const commit = await readCommit(at, earlier);
    if (commit?.txns.some((txn) => txn.appId === appId)) return true;
  }
  return false;
}
