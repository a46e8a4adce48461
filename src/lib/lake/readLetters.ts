import type { Add } from '../delta/actions';
import type { Snapshot } from '../delta/state';
import type { LetterReason } from './deadLetters';
import { enqueuedAtColumn, rowKeyColumns } from './rowAddress';
import { type FileProgress, type RowGroup, scanRowGroups } from './scanRows';

/** A dead letter without its body. */
export interface LetterInfo {
  readonly stream: string;
  /** Microseconds since 1970. */
  readonly hubCreatedAt: number;
  readonly partition: number;
  readonly sequenceNumber: number;
  readonly element: number;
  /** Microseconds since 1970; null for a range of events. */
  readonly enqueuedAt: number | null;
  readonly reason: LetterReason;
  readonly detail: string;
  /** Microseconds since 1970. */
  readonly receivedAt: number;
  /** The file that contains the letter, and the letter's row in that file. */
  readonly file: Add;
  readonly row: number;
}

/** The key of a letter. The row that settles the letter has the same key. */
export const addressKey = (
  hubCreatedAt: unknown,
  partition: unknown,
  sequenceNumber: unknown,
  element: unknown,
) => `${hubCreatedAt}/${partition}/${sequenceNumber}/${element}`;

export const letterKey = ({ hubCreatedAt, partition, sequenceNumber, element }: LetterInfo) =>
  addressKey(hubCreatedAt, partition, sequenceNumber, element);

const infoColumns = ['stream', ...rowKeyColumns, enqueuedAtColumn, 'reason', 'detail', 'received_at'];

/**
 * The letters of the table in the order of the files. A letter that was written more than once is returned once. Bodies are left out,
 * because they may be many megabytes.
 * @param snapshot the table dead_letters
 * @param stream if given, only this stream's letters
 */
export async function readLetters(
  snapshot: Snapshot,
  stream?: string,
  onFile?: FileProgress,
): Promise<LetterInfo[]> {
  const files = [...snapshot.files.values()];
  const found = new Map<Add, LetterInfo[]>(files.map((file) => [file, []]));
  await scanRowGroups({ state: snapshot, files, columns: infoColumns, onFile }, (group) => {
    for (let at = 0; at < group.numRecords; at++) {
      const letter = letterAt(group, at);
      if (stream === undefined || letter.stream === stream) found.get(group.file)?.push(letter);
    }
  });
  const letters = new Map<string, LetterInfo>();
  for (const letter of [...found.values()].flat()) {
    const key = `${letter.stream}/${letterKey(letter)}`;
    if (!letters.has(key)) letters.set(key, letter);
  }
  return [...letters.values()];
}

function letterAt({ columns, file, firstRow }: RowGroup, at: number): LetterInfo {
  const value = (name: string) => columns.get(name)?.[at] ?? null;
  const enqueuedAt = value(enqueuedAtColumn);
  return {
    stream: String(value('stream')),
    hubCreatedAt: Number(value('hub_created_at')),
    partition: Number(value('hub_partition')),
    sequenceNumber: Number(value('sequence_number')),
    element: Number(value('element')),
    enqueuedAt: enqueuedAt === null ? null : Number(enqueuedAt),
    reason: String(value('reason')) as LetterReason,
    detail: String(value('detail')),
    receivedAt: Number(value('received_at')),
    file,
    row: firstRow + at,
  };
}
