import type { Add } from '../delta/actions';
import { fileKey } from '../delta/fileKey';
import { listLog, readCommit, type TableLocation } from '../delta/log';
import { openSnapshot } from '../delta/openTable';
import type { Value } from '../delta/schema';
import type { Snapshot } from '../delta/state';
import { TableAppender } from '../delta/tableAppender';
import { inParallel } from '../inParallel';
import { isRangeReason, letterFields } from '../lake/deadLetters';
import { rowKeyColumns } from '../lake/rowAddress';
import { scanRows } from '../lake/scanRows';
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
  /** Where the stream's table is. */
  readonly rows: TableLocation;
  /** Where dead_letters is. */
  readonly letters: TableLocation;
  /** Only count. */
  readonly dryRun?: boolean;
  readonly onRead?: ReadProgress;
}

/** Called when something was read, with the number of those that were, and of all of them. What it throws ends the work. */
type ReadProgress = (what: 'log entry' | 'file' | 'removed file', done: number, total: number) => void;

export interface ErasedRows {
  /** DELETEs that the logs of both tables still hold. */
  readonly deletions: number;
  /** Rows and letters of the stream that they removed, and that nothing else accounts for. */
  readonly erased: number;
}

/**
 * Puts on record what DELETEs of other engines removed: a letter with the reason `erased` for each row and each letter of the
 * stream, with its address and nothing of its content. Then `verify` knows that they are not missing. Done again, it adds nothing.
 * Letters that stand for ranges of events are left out: they say nothing of anyone.
 * @throws `parquet.invalid` if a removed file is gone, because vacuum has deleted it
 */
export async function recordErased(options: RecordErasedOptions): Promise<ErasedRows> {
  const { stream, rows, letters, dryRun = false, onRead } = options;
  const deletions = [...(await deletionsIn(rows, onRead)), ...(await deletionsIn(letters, onRead))];
  const removed = deletions.reduce((sum, { files }) => sum + files.length, 0);
  let done = 0;
  const accounted = await accountedFor(options);
  const recorder = new LetterRecorder(stream, dryRun ? undefined : letters);
  for (const { before, files } of deletions) {
    // One file at a time, because letters are written between two of them.
    for (const file of files) {
      await visitKeys({ before, files: [file] }, stream, (key) => {
        if (accounted(key).add(key.sequence, key.element)) recorder.add(key);
      });
      onRead?.('removed file', ++done, removed);
      await recorder.writeIfMany();
    }
  }
  await recorder.write();
  return { deletions: deletions.length, erased: recorder.count };
}

/** What one DELETE removed. */
interface Deletion {
  /** The table before it. */
  readonly before: Snapshot;
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
    const before = commit && (await openSnapshot(at, { version: commit.version - 1 }));
    if (!before) continue;
    const files = commit.removes.flatMap((remove) => before.files.get(fileKey(remove)) ?? []);
    found.push({ before, files });
  }
  return found;
}

/** The address of a row, or of the element that a letter stands for. */
interface ErasedKey extends SourcePartition {
  readonly sequence: number;
  readonly element: number;
  /** Microseconds since 1970; null if it is not known. */
  readonly enqueuedAt: number | null;
}

/** Visits the rows of removed files, or, in dead_letters, the stream's letters that stand for an element. */
async function visitKeys(
  { before, files }: Deletion,
  stream: Stream,
  visit: (key: ErasedKey) => void,
  onRead?: ReadProgress,
): Promise<void> {
  const areLetters = before.at.table !== stream.table;
  const ofLetters = areLetters ? ['stream', 'reason'] : [];
  await scanRows(
    {
      state: before,
      files,
      columns: [...rowKeyColumns, 'enqueued_at', ...ofLetters],
      onFile: (done, total) => onRead?.('file', done, total),
    },
    ([hubCreatedAt, partition, sequence, element, enqueuedAt, of, reason]) => {
      if (areLetters && (of !== stream.name || isRangeReason(reason))) return;
      visit({
        hubCreatedAt: Number(hubCreatedAt),
        partition: Number(partition),
        sequence: Number(sequence),
        element: Number(element),
        enqueuedAt: enqueuedAt == null ? null : Number(enqueuedAt),
      });
    },
  );
}

/** What the rows and letters that are there account for, by partition. */
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
      { before: live, files: [...live.files.values()] },
      stream,
      (key) => {
        coverageOf(key).add(key.sequence, key.element);
      },
      onRead,
    );
  const lettered = await openSnapshot(letters);
  if (lettered)
    await visitLetters(lettered, stream.name, {
      rejected: (key) => coverageOf(key).add(key.sequence, key.element),
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

  add({ hubCreatedAt, partition, sequence, element, enqueuedAt }: ErasedKey): void {
    this.count++;
    if (!this.#table) return;
    const address: Value[] = [this.#stream, hubCreatedAt, partition, sequence, element, enqueuedAt];
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
