import type { Add } from '../delta/actions';
import type { Snapshot } from '../delta/state';
import { isRangeReason, parseRange } from '../lake/deadLetters';
import { rowKeyColumns } from '../lake/rowAddress';
import { scanRows } from '../lake/scanRows';
import type { SequenceRange } from './partitionCoverage';
import type { SourcePartition } from './sourcePartition';

/** A dead letter's key, without its stream. */
export interface LetterKey extends SourcePartition {
  readonly sequenceNumber: number;
  readonly element: number;
}

export interface LetterVisitor {
  /** Called for an element that could not become a row, perhaps more than once. */
  rejected(key: LetterKey): void;
  /** Called for a range of events that will never come. */
  range(at: SourcePartition, range: SequenceRange): void;
}

/** Passes the dead letters of one stream to a visitor. Bodies may be large, so only those that contain a range are read. */
export async function visitLetters(letters: Snapshot, stream: string, visitor: LetterVisitor): Promise<void> {
  const withRanges = new Set<Add>();
  await scanRows(
    { state: letters, files: letters.files.values(), columns: [...rowKeyColumns, 'stream', 'reason'] },
    ([hubCreatedAt, partition, sequenceNumber, element, of, reason], file) => {
      if (of !== stream) return;
      if (isRangeReason(reason)) withRanges.add(file);
      else
        visitor.rejected({
          hubCreatedAt: Number(hubCreatedAt),
          partition: Number(partition),
          sequenceNumber: Number(sequenceNumber),
          element: Number(element),
        });
    },
  );
  await scanRows(
    {
      state: letters,
      files: withRanges,
      columns: ['stream', 'hub_created_at', 'hub_partition', 'reason', 'body'],
    },
    ([of, hubCreatedAt, partition, reason, body]) => {
      if (of !== stream || !isRangeReason(reason)) return;
      const range = parseRange(body);
      if (range) visitor.range({ hubCreatedAt: Number(hubCreatedAt), partition: Number(partition) }, range);
    },
  );
}
