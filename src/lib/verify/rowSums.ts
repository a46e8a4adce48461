import { isDeepStrictEqual } from 'node:util';
import type { Snapshot } from '../delta/state';
import { type FileProgress, scanRows } from '../lake/scanRows';
import { partitionKey, type SourcePartition } from './sourcePartition';

interface Sums {
  /** The number of rows. */
  rows: number;
  /** The sum of their sequence numbers. */
  sequenceNumberSum: bigint;
}

/** Undefined for rows of the warehouse that have no address. */
type Source = SourcePartition | undefined;
type PartitionSums = Sums & { readonly source: Source };

/** The sums of a table's rows. Two tables with the same rows have the same sums, in any order of the rows. */
export class RowSums {
  readonly partitions = new Map<string, PartitionSums>();
  rows = 0;

  /** @param hubCreatedAt microseconds since 1970, compared in milliseconds, because some clients return no finer times */
  at(hubCreatedAt: number, partition: number): PartitionSums {
    return this.#sumsOf({ hubCreatedAt: Math.floor(hubCreatedAt / 1000) * 1000, partition });
  }

  /** The sums of rows without an address. */
  get addressless(): PartitionSums {
    return this.#sumsOf(undefined);
  }

  #sumsOf(source: Source): PartitionSums {
    const key = source ? partitionKey(source) : '';
    const sums = this.partitions.get(key) ?? { source, rows: 0, sequenceNumberSum: 0n };
    this.partitions.set(key, sums);
    return sums;
  }
}

/**
 * The sums of a Delta table at one version. Only the needed columns are read.
 * @param byPartition false to count rows only
 * @throws `parquet.invalid`
 */
export async function sumDeltaRows(
  snapshot: Snapshot,
  byPartition: boolean,
  onFile?: FileProgress,
): Promise<RowSums> {
  const sums = new RowSums();
  let latest: SourcePartition | undefined;
  let current: PartitionSums | undefined;
  const columns = byPartition ? ['hub_created_at', 'hub_partition', 'sequence_number'] : [];
  await scanRows({ state: snapshot, files: snapshot.files.values(), columns, onFile }, (row) => {
    sums.rows++;
    if (!byPartition) return;
    // Rows of a partition are stored together, so the last lookup is kept. One for each row would cost more than all other work.
    const hubCreatedAt = Number(row[0]);
    const partition = Number(row[1]);
    const sequenceNumber = row[2];
    if (!current || latest?.hubCreatedAt !== hubCreatedAt || latest.partition !== partition) {
      latest = { hubCreatedAt, partition };
      current = sums.at(hubCreatedAt, partition);
    }
    current.rows++;
    current.sequenceNumberSum +=
      typeof sequenceNumber === 'bigint' ? sequenceNumber : BigInt(Number(sequenceNumber));
  });
  return sums;
}

/** A hub partition whose sums differ, with the sums that were found and those that were expected. */
export interface PartitionDifference {
  readonly source: Source;
  readonly found: Readonly<Sums>;
  readonly expected: Readonly<Sums>;
}

/** The partitions whose sums differ, in the order of the hub's creation time and the partition number; rows without an address first. */
export function differencesOf(found: RowSums, expected: RowSums): PartitionDifference[] {
  const sumsIn = ({ partitions }: RowSums, key: string): Sums => {
    const { rows, sequenceNumberSum } = partitions.get(key) ?? { rows: 0, sequenceNumberSum: 0n };
    return { rows, sequenceNumberSum };
  };
  const all = new Map([...found.partitions, ...expected.partitions]);
  const pairs = [...all].map(([key, { source }]) => ({
    source,
    found: sumsIn(found, key),
    expected: sumsIn(expected, key),
  }));
  return pairs
    .filter((pair) => !isDeepStrictEqual(pair.found, pair.expected))
    .sort(({ source: a }, { source: b }) =>
      a && b ? a.hubCreatedAt - b.hubCreatedAt || a.partition - b.partition : Number(!b) - Number(!a),
    );
}
