import type { Add } from '../delta/actions';
import { readDataFile } from '../delta/readDataFile';
import type { Snapshot } from '../delta/state';
import type { LetterReason } from './deadLetters';

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
  /** The file that holds it, and its row there. */
  readonly file: Add;
  readonly row: number;
}

/** Identifies a letter, and the row that settles it. */
export const addressKey = (
  hubCreatedAt: unknown,
  partition: unknown,
  sequenceNumber: unknown,
  element: unknown,
) => `${hubCreatedAt}/${partition}/${sequenceNumber}/${element}`;

export const letterKey = ({ hubCreatedAt, partition, sequenceNumber, element }: LetterInfo) =>
  addressKey(hubCreatedAt, partition, sequenceNumber, element);

const infoColumns = [
  'stream',
  'hub_created_at',
  'hub_partition',
  'sequence_number',
  'element',
  'enqueued_at',
  'reason',
  'detail',
  'received_at',
];

/**
 * The letters of the table, each once however often it was written, in the order of the files. Without bodies, which may
 * be many megabytes.
 * @param snapshot of dead_letters
 * @param stream only this stream's
 */
export async function readLetters(snapshot: Snapshot, stream?: string): Promise<LetterInfo[]> {
  const letters = new Map<string, LetterInfo>();
  for (const file of snapshot.files.values()) {
    const { numRecords, columns } = await readDataFile(snapshot, file, infoColumns);
    const value = (name: string, row: number) => columns.get(name)?.[row] ?? null;
    for (let row = 0; row < numRecords; row++) {
      const letter: LetterInfo = {
        stream: String(value('stream', row)),
        hubCreatedAt: Number(value('hub_created_at', row)),
        partition: Number(value('hub_partition', row)),
        sequenceNumber: Number(value('sequence_number', row)),
        element: Number(value('element', row)),
        enqueuedAt: value('enqueued_at', row) === null ? null : Number(value('enqueued_at', row)),
        reason: String(value('reason', row)) as LetterReason,
        detail: String(value('detail', row)),
        receivedAt: Number(value('received_at', row)),
        file,
        row,
      };
      if (stream !== undefined && letter.stream !== stream) continue;
      const key = `${letter.stream}/${letterKey(letter)}`;
      if (!letters.has(key)) letters.set(key, letter);
    }
  }
  return [...letters.values()];
}
