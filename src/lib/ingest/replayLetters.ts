import type { TableLocation } from '../delta/log';
import { openSnapshot } from '../delta/openTable';
import type { Snapshot } from '../delta/state';
import { TableAppender } from '../delta/tableAppender';
import { decodeBody } from '../lake/deadLetters';
import { parseAppId } from '../lake/hubGeneration';
import { addressKey, type LetterInfo, letterKey, readLetters } from '../lake/readLetters';
import { rowKeyColumns, tableFields } from '../lake/rowAddress';
import { type FileProgress, filesWith, holds, scanRows, type ValueRange } from '../lake/scanRows';
import type { Stream } from '../streams/stream';
import { bodyDecoder } from './decodeEvents';
import { RowColumns } from './rowColumns';

export interface ReplayOptions {
  readonly stream: Stream;
  /** The place of the stream's table. */
  readonly rows: TableLocation;
  /** The place of the table dead_letters. */
  readonly letters: TableLocation;
  /** True to only say what would be appended. */
  readonly dryRun?: boolean;
  /**
   * Called after each file: first files of letters, then files of rows that may settle them, and then files of letters with their bodies.
   */
  readonly onFile?: FileProgress;
}

export interface ReplayResult {
  /** How many letters were settled already, by a row of the table. */
  readonly settled: number;
  /** How many rows were appended. */
  readonly appended: number;
  /** How many letters still cannot become rows. Ranges of lost events are among them. */
  readonly remaining: number;
}

/**
 * Decodes the dead letters of a stream again, and appends those that are rows now. Each becomes a row only once, even if several processes
 * replay: the commit moves the txn `replay/<stream>`, and if another process moved it first, the work is done again on the table's new
 * state. Letters above the committed sequence number are left alone, because their events will come again.
 */
export async function replayLetters(options: ReplayOptions): Promise<ReplayResult> {
  const { stream, dryRun = false, onFile } = options;
  for (;;) {
    const rows = await openSnapshot(options.rows);
    const letters = await openSnapshot(options.letters);
    if (!rows || !letters) return { settled: 0, appended: 0, remaining: 0 };
    const all = await readLetters(letters, stream.name, onFile);
    const found = await findRows(rows, all, onFile);
    const open = all.filter((letter) => !found.has(letterKey(letter)));
    // Rows that somebody deleted stay deleted, even if another letter has the body of their event.
    const committed = open.filter(({ reason }) => reason !== 'erased').filter(committedIn(rows));
    const whole = wholeEvents(all, found);
    const { columns, settled } = await decodeAgain({ stream, letters, open: committed, whole, onFile });
    const appended = columns[0]?.length ?? 0;
    const result = { settled: all.length - open.length, appended, remaining: open.length - settled };
    if (appended === 0 || dryRun) return result;

    const table = new TableAppender({ at: options.rows, fields: tableFields(stream) });
    const appId = `replay/${stream.name}`;
    const version = (rows.txns.get(appId)?.version ?? 0) + 1;
    const prepared = await table.prepare(rows, columns);
    if (!prepared) continue;
    const txns = [{ appId, version, lastUpdated: Date.now() }];
    const { outcome } = await table.commit(prepared, txns, appended);
    if (outcome === 'committed') return result;
  }
}

/** How many letters of a stream are not settled by a row, whether they can become rows or not. */
export async function countOpenLetters(rows: Snapshot, letters: Snapshot, { name }: Stream): Promise<number> {
  const all = await readLetters(letters, name);
  const found = await findRows(rows, all);
  return all.filter((letter) => !found.has(letterKey(letter))).length;
}

/** The key of the event that a letter, or a row with the same address, comes from. */
const eventKey = ({ hubCreatedAt, partition, sequenceNumber }: LetterInfo) =>
  addressKey(hubCreatedAt, partition, sequenceNumber, '');

/**
 * Finds the letters that are settled. It reads the files that may contain their rows. The result has the keys of letters that are rows, and
 * the keys of events that have any row.
 */
async function findRows(
  rows: Snapshot,
  letters: readonly LetterInfo[],
  onFile?: FileProgress,
): Promise<Set<string>> {
  const events = new Set(letters.map(eventKey));
  const wanted = new Set(letters.map(letterKey));
  const found = new Set<string>();
  const sequenceNumbers = Float64Array.from(letters, ({ sequenceNumber }) => sequenceNumber).sort();
  const mayHold = (range: ValueRange) => {
    const next = sequenceNumbers[firstNotBelow(sequenceNumbers, range.least)];
    return next !== undefined && holds(range, next);
  };
  const files = filesWith(rows, 'sequence_number', mayHold);
  // Most rows have no letter. It is faster to compare only their sequence numbers first.
  const wantedNumbers = new Set(sequenceNumbers);
  await scanRows(
    { state: rows, files, columns: rowKeyColumns, onFile },
    ([hubCreatedAt, partition, sequenceNumber, element]) => {
      if (!wantedNumbers.has(Number(sequenceNumber))) return;
      const event = addressKey(hubCreatedAt, partition, sequenceNumber, '');
      if (!events.has(event)) return;
      found.add(event);
      // The keys of all rows of an event are not kept, because there may be many more rows than letters.
      const key = addressKey(hubCreatedAt, partition, sequenceNumber, element);
      if (wanted.has(key)) found.add(key);
    },
  );
  return found;
}

/** The index of the first of these ascending numbers that is at least `least`; their count if all are smaller. */
function firstNotBelow(ascending: Float64Array, least: number | bigint): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ascending[middle] as number) < least) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The events that are one letter as a whole, because the body could not be parsed or too many of its elements were bad. They have no other
 * letter and no row.
 */
function wholeEvents(letters: readonly LetterInfo[], found: ReadonlySet<string>): Set<string> {
  const whole = new Set<string>();
  for (const [event, [first, ...others]] of Map.groupBy(letters, eventKey))
    if (first?.element === 0 && others.length === 0 && !found.has(event)) whole.add(event);
  return whole;
}

/** Returns a function that tells whether the table has committed a letter's event, in its partition and generation of the hub. */
function committedIn({ txns }: Snapshot): (letter: LetterInfo) => boolean {
  const versions = new Map<string, number>();
  for (const [appId, { version }] of txns) {
    const parsed = parseAppId(appId);
    if (!parsed) continue;
    const key = partitionKey(parsed.createdOn.getTime() * 1000, parsed.partition);
    versions.set(key, Math.max(version, versions.get(key) ?? -1));
  }
  return ({ hubCreatedAt, partition, sequenceNumber }) =>
    (versions.get(partitionKey(hubCreatedAt, partition)) ?? -1) >= sequenceNumber;
}

const partitionKey = (hubCreatedAt: number, partition: number) => `${hubCreatedAt}/${partition}`;

interface DecodeOptions {
  readonly stream: Stream;
  readonly letters: Snapshot;
  /** The letters to decode. */
  readonly open: readonly LetterInfo[];
  /** The events that are one letter as a whole. */
  readonly whole: ReadonlySet<string>;
  readonly onFile: FileProgress | undefined;
}

/** The letters that can be decoded now, as rows, by column. The body of an event is stored with only one of its letters. */
async function decodeAgain({ stream, letters, open, whole, onFile }: DecodeOptions) {
  const columns = new RowColumns(tableFields(stream));
  let settled = 0;
  const wanted = new Set(open.map(letterKey));
  const events = Map.groupBy(open, eventKey);
  const decode = bodyDecoder(stream);
  const scan = {
    state: letters,
    files: new Set(open.map((letter) => letter.file)),
    columns: [...rowKeyColumns.slice(0, 3), 'stream', 'body', 'body_encoding'],
    onFile,
  };
  await scanRows(scan, ([hubCreatedAt, partition, sequenceNumber, of, text, encoding]) => {
    const key = addressKey(hubCreatedAt, partition, sequenceNumber, '');
    const letter = of === stream.name ? events.get(key)?.[0] : undefined;
    const body = decodeBody(text as string | null, encoding as string | null);
    if (!letter || !body || letter.enqueuedAt === null) return;
    // A letter may have been written twice, but it is used once.
    events.delete(key);
    const event = { sequenceNumber: letter.sequenceNumber, enqueuedAt: letter.enqueuedAt };
    const { rows, positions, rejected } = decode(body);
    // A letter for a whole event becomes all of its rows, or none as long as an element is bad.
    const isWhole = whole.has(key);
    if (isWhole && rejected.length > 0) return;
    for (const [row, values] of rows.entries()) {
      const element = positions?.[row] ?? row;
      const isWanted = wanted.has(letterKey({ ...letter, element }));
      if (isWanted) settled++;
      if (isWanted || isWhole) columns.push(letter, event, element, values);
    }
  });
  return { columns: columns.columns, settled };
}
