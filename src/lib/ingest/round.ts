import type { Txn } from '../delta/actions';
import type { ColumnValues } from '../delta/columnValues';
import type { Field } from '../delta/schema';
import { LetterColumns } from './letterColumns';
import type { PartitionBatch } from './partitionBatch';
import { RowColumns } from './rowColumns';

/** The share of one batch in a round. */
export interface BatchShare {
  readonly rows: number;
  /** Events that were in an earlier commit, or in an earlier batch of this round. */
  readonly duplicates: number;
  /** Dead letters of events that are not duplicates, and of gaps. */
  readonly letters: number;
}

/** The content of a round's commit. */
export interface Round {
  /** Values by column: the stream's own, the address, and the rescued fields. */
  readonly columns: readonly ColumnValues[];
  readonly rows: number;
  readonly letters: LetterColumns;
  readonly txns: readonly Txn[];
  /** In the order of the batches. */
  readonly shares: readonly BatchShare[];
  /** When the oldest event that is not a duplicate was enqueued, in microseconds since 1970. */
  readonly oldest: number;
}

export interface RoundInput {
  readonly batches: readonly PartitionBatch[];
  /** The table's txns by appId. */
  readonly committed: ReadonlyMap<string, Txn>;
  /** Name of the stream, for its letters. */
  readonly stream: string;
  /** The fields of the stream's table. */
  readonly fields: readonly Field[];
}

/**
 * Merges batches into the columns, letters and txns of one commit. Duplicates are trimmed event by event: events that the table has
 * committed, or that a batch before has.
 */
export function planRound({ batches, committed, stream, fields }: RoundInput): Round {
  const expected = batches.reduce((sum, { events }) => sum + events.length, 0);
  const rows = new RowColumns(fields, expected);
  const letters = new LetterColumns(stream);
  const moved = new Map<string, number>();
  let oldest = Number.POSITIVE_INFINITY;
  const shares = batches.map((batch) => {
    let last = moved.get(batch.appId) ?? committed.get(batch.appId)?.version ?? -1;
    const rowsBefore = rows.count;
    const lettersBefore = letters.count;
    let duplicates = 0;
    for (const gap of batch.gaps ?? []) if (gap.first > last) letters.addGap(batch, gap);
    for (const event of batch.events) {
      if (event.sequenceNumber <= last) {
        duplicates++;
        continue;
      }
      last = event.sequenceNumber;
      if (event.enqueuedAt < oldest) oldest = event.enqueuedAt;
      rows.pushEvent(batch, event);
      if (event.rejected.length > 0) letters.addRejected(batch, event);
    }
    if (duplicates < batch.events.length) moved.set(batch.appId, last);
    return { rows: rows.count - rowsBefore, duplicates, letters: letters.count - lettersBefore };
  });
  const lastUpdated = Date.now();
  const txns = [...moved].map(([appId, version]) => ({ appId, version, lastUpdated }));
  return { columns: rows.columns, rows: rows.count, letters, txns, shares, oldest };
}
