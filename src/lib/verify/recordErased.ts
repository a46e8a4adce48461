import type { Add } from '../delta/actions';
import { fileKey } from '../delta/fileKey';
import { listLog, readCommit, type TableLocation } from '../delta/log';
import { openSnapshot } from '../delta/openTable';
import { findGone } from '../delta/readDataFile';
import type { Value } from '../delta/schema';
import type { Snapshot } from '../delta/state';
import { TableAppender } from '../delta/tableAppender';
import { isDamage } from '../errors';
import { inParallel } from '../inParallel';
import { isRangeReason, letterFields } from '../lake/deadLetters';
import { enqueuedAtColumn, rowKeyColumns } from '../lake/rowAddress';
import { type Scan, scanRows } from '../lake/scanRows';
import type { Stream } from '../streams/stream';
import { PartitionCoverage } from './partitionCoverage';
import { partitionKey, type SourcePartition } from './sourcePartition';
import { visitLetters } from './visitLetters';

/** How many log entries are read at once. */
const parallelReads = 8;
/** How many letters are collected before they are written: a DELETE may remove more rows than fit in memory. */
const lettersAtOnce = 100_000;

export interface RecordErasedOptions {
  readonly stream: Stream;
  /** The place of the stream's table. */
  readonly rows: TableLocation;
  /** The place of the table dead_letters. */
  readonly letters: TableLocation;
  /** True to only count. */
  readonly dryRun?: boolean;
  readonly onRead?: ReadProgress;
}

/** Called after each read, with the number of things that were read, and the number of all. If it throws, the work ends. */
type ReadProgress = (what: 'log entry' | 'file' | 'removed file', done: number, total: number) => void;

export interface ErasedRows {
  /** How many DELETEs the logs of both tables still hold. */
  readonly deletions: number;
  /** How many rows and letters of the stream they removed that nothing else accounts for. */
  readonly erased: number;
  /** The DELETEs whose removed rows cannot be read any more, or not all of them. */
  readonly unreadable: readonly UnreadableDeletion[];
}

export interface UnreadableDeletion {
  readonly table: string;
  readonly version: number;
  readonly why: string;
}

/**
 * Records what DELETEs of other engines removed: it writes a letter with the reason `erased` for each removed row and letter of the stream,
 * with its address and nothing of its content. Then `verify` knows that they are not missing. A repetition adds nothing. Letters that stand
 * for ranges of events are left out, because they say nothing about anybody. If vacuum has deleted the files of a DELETE, it is named, and
 * the others are recorded.
 * @throws `delta.invalid`, `parquet.invalid` when a log or a file is damaged
 */
export async function recordErased(options: RecordErasedOptions): Promise<ErasedRows> {
  const { stream, rows, letters, dryRun = false, onRead } = options;
  const deletions = [...(await deletionsIn(rows, onRead)), ...(await deletionsIn(letters, onRead))];
  const removed = deletions.reduce((sum, { files }) => sum + files.length, 0);
  const unreadable: UnreadableDeletion[] = [];
  let done = 0;
  const accounted = await accountedFor(options);
  const recorder = new LetterRecorder(stream, dryRun ? undefined : letters);
  for (const deletion of deletions) {
    let why = deletion.before ? undefined : 'the log no longer holds the version before it';
    // One file at a time, because letters are written between two of them.
    for (const file of deletion.files) {
      const gone = await visitRemoved(deletion, file, stream, (key) => {
        if (accounted(key).add(key.sequenceNumber, key.element)) recorder.add(key);
      });
      if (gone) why ??= `its file ${gone.path} is gone`;
      onRead?.('removed file', ++done, removed);
      await recorder.writeIfMany();
    }
    if (why !== undefined) unreadable.push({ table: deletion.table, version: deletion.version, why });
  }
  await recorder.write();
  return { deletions: deletions.length, erased: recorder.count, unreadable };
}

/** The removal of rows by one DELETE. */
interface Deletion {
  readonly table: string;
  readonly version: number;
  /** The table before the DELETE; undefined if the log does not hold that version any more. */
  readonly before: Snapshot | undefined;
  readonly files: readonly Add[];
}

/** The DELETEs that the log still holds, the oldest first. */
async function deletionsIn(at: TableLocation, onRead: ReadProgress | undefined): Promise<Deletion[]> {
  const { commits } = await listLog(at);
  let done = 0;
  const read = await inParallel(commits, parallelReads, async (version) => {
    const commit = await readCommit(at, version);
    onRead?.('log entry', ++done, commits.length);
    return commit?.commitInfo?.operation === 'DELETE' && commit.removes.length > 0 ? commit : undefined;
  });
  const found: Deletion[] = [];
  for (const commit of read) {
    if (!commit) continue;
    const { version, removes } = commit;
    const before = await openIfHeld(at, version - 1);
    const files = removes.flatMap((remove) => before?.files.get(fileKey(remove)) ?? []);
    found.push({ table: at.table, version, before, files });
  }
  return found;
}

/** A version of the table; undefined if it was cleaned from the log. */
async function openIfHeld(at: TableLocation, version: number): Promise<Snapshot | undefined> {
  try {
    return await openSnapshot(at, { version });
  } catch (error) {
    if (!isDamage(error) || (await readCommit(at, version))) throw error;
    return undefined;
  }
}

/** Visits the rows of a file that a DELETE removed. Returns the file if it is gone. */
async function visitRemoved(
  { before }: Deletion,
  file: Add,
  stream: Stream,
  visit: (key: ErasedKey) => void,
): Promise<Add | undefined> {
  if (!before) return undefined;
  try {
    await visitKeys({ state: before, files: [file] }, stream, visit);
    return undefined;
  } catch (error) {
    const gone = await findGone(error, before, [file]);
    if (!gone) throw error;
    return gone;
  }
}

/** The address of a row, or of the element that a letter stands for. */
interface ErasedKey extends SourcePartition {
  readonly sequenceNumber: number;
  readonly element: number;
  /** Microseconds since 1970; null if it is not known. */
  readonly enqueuedAt: number | null;
}

/** Visits the rows of files. In dead_letters, it visits only the stream's letters that stand for an element. */
async function visitKeys(
  { state, files }: Pick<Scan, 'state' | 'files'>,
  stream: Stream,
  visit: (key: ErasedKey) => void,
  onRead?: ReadProgress,
): Promise<void> {
  const areLetters = state.at.table !== stream.table;
  const ofLetters = areLetters ? ['stream', 'reason'] : [];
  await scanRows(
    {
      state,
      files,
      columns: [...rowKeyColumns, enqueuedAtColumn, ...ofLetters],
      onFile: (done, total) => onRead?.('file', done, total),
    },
    ([hubCreatedAt, partition, sequenceNumber, element, enqueuedAt, of, reason]) => {
      if (areLetters && (of !== stream.name || isRangeReason(reason))) return;
      visit({
        hubCreatedAt: Number(hubCreatedAt),
        partition: Number(partition),
        sequenceNumber: Number(sequenceNumber),
        element: Number(element),
        enqueuedAt: enqueuedAt == null ? null : Number(enqueuedAt),
      });
    },
  );
}

/** The elements and ranges that the present rows and letters account for, by partition. */
async function accountedFor({ stream, rows, letters, onRead }: RecordErasedOptions) {
  const coverages = new Map<string, PartitionCoverage>();
  const coverageOf = (at: SourcePartition): PartitionCoverage => {
    const coverage = coverages.get(partitionKey(at)) ?? new PartitionCoverage();
    coverages.set(partitionKey(at), coverage);
    return coverage;
  };
  const live = await openSnapshot(rows);
  if (live)
    await visitKeys(
      { state: live, files: live.files.values() },
      stream,
      (key) => {
        coverageOf(key).add(key.sequenceNumber, key.element);
      },
      onRead,
    );
  const lettered = await openSnapshot(letters);
  if (lettered)
    await visitLetters(lettered, stream.name, {
      rejected: (key) => coverageOf(key).add(key.sequenceNumber, key.element),
      range: () => {},
    });
  return coverageOf;
}

/** Collects letters with the reason `erased`, and writes them in large commits. Without a table it only counts them. */
class LetterRecorder {
  count = 0;
  readonly #stream: string;
  readonly #table: TableAppender | undefined;
  #columns: Value[][] = letterFields.map(() => []);

  constructor({ name }: Stream, letters: TableLocation | undefined) {
    this.#stream = name;
    this.#table = letters && new TableAppender({ at: letters, fields: letterFields });
  }

  add({ hubCreatedAt, partition, sequenceNumber, element, enqueuedAt }: ErasedKey): void {
    this.count++;
    if (!this.#table) return;
    const address: Value[] = [this.#stream, hubCreatedAt, partition, sequenceNumber, element, enqueuedAt];
    const content: Value[] = ['erased', 'deleted from the lake', null, null, Date.now() * 1000];
    for (const [index, value] of [...address, ...content].entries()) this.#columns[index]?.push(value);
  }

  async writeIfMany(): Promise<void> {
    if ((this.#columns[0]?.length ?? 0) >= lettersAtOnce) await this.write();
  }

  async write(): Promise<void> {
    const columns = this.#columns;
    const rows = columns[0]?.length ?? 0;
    if (rows === 0) return;
    this.#columns = letterFields.map(() => []);
    await this.#table?.appendRows(columns, rows);
  }
}
