import { TributaryError } from '../errors';
import type { DecodedEvent } from './decodeEvents';

/** A range of sequence numbers that never came. Both ends are included. */
export interface Gap {
  readonly first: number;
  readonly last: number;
  /** `expired`: the hub does not have them any more. `skipped`: the hub has them, but `ACCEPT_GAPS` says to continue without them. */
  readonly reason: 'expired' | 'skipped';
}

/**
 * The ranges that are missing between the committed events and the events of a batch.
 * @param last the last sequence number that is committed
 */
export function missingRanges(
  events: readonly DecodedEvent[],
  last: number,
): { first: number; last: number }[] {
  const ranges: { first: number; last: number }[] = [];
  let before = last;
  for (const { sequenceNumber } of events) {
    if (sequenceNumber > before + 1) ranges.push({ first: before + 1, last: sequenceNumber - 1 });
    before = Math.max(before, sequenceNumber);
  }
  return ranges;
}

/**
 * Says why each missing range will never come. Event Hubs drops events only from the beginning of a partition. So events before the first
 * one in the hub have expired, and for all others a reader ran ahead.
 * @param beginning first sequence number that the hub still has
 * @param where names stream and partition
 * @throws `ingest.gap` when the hub still has missing events and `acceptGaps` is not set
 */
export function explainGaps(
  ranges: readonly { first: number; last: number }[],
  beginning: number,
  acceptGaps: boolean,
  where: string,
): Gap[] {
  return ranges.flatMap(({ first, last }) => {
    const gaps: Gap[] = [];
    if (first < beginning) gaps.push({ first, last: Math.min(last, beginning - 1), reason: 'expired' });
    if (last < beginning) return gaps;
    const held = { first: Math.max(first, beginning), last };
    if (!acceptGaps) {
      throw new TributaryError(
        'ingest.gap',
        `${where}: the events ${held.first} to ${held.last} are in the hub but were not read; a reader ran ahead of the table. ` +
          'To read them, stop the app, reset the checkpoints of the stream and start it again; or set ACCEPT_GAPS=true to continue without them.',
      );
    }
    gaps.push({ ...held, reason: 'skipped' });
    return gaps;
  });
}
