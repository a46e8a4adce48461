import type { Snapshot } from '../delta/state';
import type { SequenceRange } from './partitionCoverage';
import type { SourcePartition } from './sourcePartition';
import { visitRows } from './visitRows';

/** A dead letter's key, without its stream. */
export interface LetterKey extends SourcePartition {
  readonly sequence: number;
  readonly element: number;
}

export interface LetterVisitor {
  /** An element that could not be a row; the same one may come again. */
  rejected(key: LetterKey): void;
  /** Events that will never come. */
  range(at: SourcePartition, range: SequenceRange): void;
}

/** Reasons of letters that stand for a range of events. */
const rangeReasons = new Set(['expired', 'skipped']);

/** Hands over the dead letters of one stream. Bodies, which may be large, are read only where they hold a range. */
export async function visitLetters(letters: Snapshot, stream: string, visitor: LetterVisitor): Promise<void> {
  const key = ['stream', 'hub_created_at', 'hub_partition', 'sequence_number', 'element', 'reason'];
  const withRanges = new Set<string>();
  await visitRows({
    snapshot: letters,
    columns: key,
    visit: ([of, hubCreatedAt, partition, sequence, element, reason], { path }) => {
      if (of !== stream) return;
      if (rangeReasons.has(String(reason))) withRanges.add(path);
      else
        visitor.rejected({
          hubCreatedAt: Number(hubCreatedAt),
          partition: Number(partition),
          sequence: Number(sequence),
          element: Number(element),
        });
    },
  });
  if (withRanges.size === 0) return;
  await visitRows({
    snapshot: letters,
    columns: ['stream', 'hub_created_at', 'hub_partition', 'reason', 'body'],
    skip: ({ path }) => !withRanges.has(path),
    visit: ([of, hubCreatedAt, partition, reason, body]) => {
      if (of !== stream || !rangeReasons.has(String(reason))) return;
      const range = parseRange(body);
      if (range) visitor.range({ hubCreatedAt: Number(hubCreatedAt), partition: Number(partition) }, range);
    },
  });
}

/** Undefined when the body holds none: then its events stay a gap. */
export function parseRange(body: unknown): SequenceRange | undefined {
  try {
    const { first, last } = JSON.parse(String(body)) ?? {};
    return Number.isSafeInteger(first) && Number.isSafeInteger(last) ? { first, last } : undefined;
  } catch {
    return undefined;
  }
}
