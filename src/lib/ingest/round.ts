import type { Txn } from '../delta/actions';
import type { ColumnValues } from '../delta/columnValues';
import type { Field } from '../delta/schema';
import { LetterColumns } from './letterColumns';
import type { PartitionBatch } from './partitionBatch';
import { RowColumns } from './rowColumns';

/** The part of a round that comes from one batch. */
export interface BatchShare {
  readonly rows: number;
  /** How many events were already in an earlier commit, or in an earlier batch of this round. */
  readonly duplicates: number;
  /** How many dead letters there are of gaps and of events that are not duplicates. */
  readonly letters: number;
}

/** The contents of a round's commit. */
export interface Round {
  /** The values by column: the stream's own columns, the address, and the rescued fields. */
  readonly columns: readonly ColumnValues[];
  readonly rows: number;
  readonly letters: LetterColumns;
  readonly txns: readonly Txn[];
  /** The shares of the batches, in their order. */
  readonly shares: readonly BatchShare[];
  /** When the oldest event that is not a duplicate was enqueued, in microseconds since 1970. */
  readonly oldest: number;
}

export interface RoundInput {
  readonly batches: readonly PartitionBatch[];
  /** The table's txns by appId. */
  readonly committed: ReadonlyMap<string, Txn>;
  /** The name of the stream, for its letters. */
  readonly stream: string;
  /** The fields of the stream's table. */
  readonly fields: readonly Field[];
}

/**
 * Merges batches into the columns, letters and txns of one commit. Duplicates are trimmed event by event: those are events that the table
 * has already, and events of an earlier batch.
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
