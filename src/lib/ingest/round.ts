import type { Txn } from '../delta/actions';
import type { Value } from '../delta/schema';
import type { DecodedEvent } from './decodeEvents';

/** A batch of one partition, ready to be committed. */
export interface PartitionBatch {
  /** The txn appId of the partition. */
  readonly appId: string;
  /** Microseconds since 1970. */
  readonly hubCreatedAt: number;
  readonly partition: number;
  /** Ascending by sequence number, at least one. */
  readonly events: readonly DecodedEvent[];
}

/** What became of one batch in a round. */
export interface BatchShare {
  readonly rows: number;
  /** Events that an earlier commit, or an earlier batch of this round, had already. */
  readonly duplicates: number;
  /** Elements that are no rows, of events that are not duplicates. */
  readonly letters: number;
}

/** What a round would commit. */
export interface Round {
  /** Values by column: the stream's own, then the address. */
  readonly columns: readonly Value[][];
  readonly rows: number;
  readonly txns: readonly Txn[];
  /** In the order of the batches. */
  readonly shares: readonly BatchShare[];
}

/**
 * Merges batches into one commit's worth of columns and txns, trimming each event by event against what the table
 * has committed, and against the batches before it.
 * @param width number of the stream's own columns
 */
export function planRound(
  batches: readonly PartitionBatch[],
  committed: ReadonlyMap<string, Txn>,
  width: number,
): Round {
  const own: Value[][] = Array.from({ length: width }, () => []);
  const enqueuedAt: Value[] = [];
  const hubCreatedAt: Value[] = [];
  const hubPartition: Value[] = [];
  const sequenceNumber: Value[] = [];
  const elements: Value[] = [];
  const moved = new Map<string, number>();
  const shares = batches.map((batch) => {
    let last = moved.get(batch.appId) ?? committed.get(batch.appId)?.version ?? -1;
    const before = elements.length;
    let duplicates = 0;
    let letters = 0;
    for (const event of batch.events) {
      if (event.sequenceNumber <= last) {
        duplicates++;
        continue;
      }
      last = event.sequenceNumber;
      moved.set(batch.appId, last);
      letters += event.letters.length;
      for (const { element, values } of event.rows) {
        for (let column = 0; column < width; column++) own[column]?.push(values[column] ?? null);
        enqueuedAt.push(event.enqueuedAt);
        hubCreatedAt.push(batch.hubCreatedAt);
        hubPartition.push(batch.partition);
        sequenceNumber.push(event.sequenceNumber);
        elements.push(element);
      }
    }
    return { rows: elements.length - before, duplicates, letters };
  });
  const lastUpdated = Date.now();
  const txns = [...moved].map(([appId, version]) => ({ appId, version, lastUpdated }));
  const columns = [...own, enqueuedAt, hubCreatedAt, hubPartition, sequenceNumber, elements];
  return { columns, rows: elements.length, txns, shares };
}
