import { isDeepStrictEqual } from 'node:util';
import type { Snapshot } from '../delta/state';
import { scanRows } from '../lake/scanRows';
import { partitionKey, type SourcePartition } from './sourcePartition';

/** How many rows there are, and what their sequence numbers add up to. */
interface Sums {
  rows: number;
  sequences: bigint;
}

type PartitionSums = SourcePartition & Sums;

/** What the rows of a table add up to: two tables with the same rows have the same sums, in whatever order the rows are. */
export class RowSums {
  readonly partitions = new Map<string, PartitionSums>();
  rows = 0;

  /** @param hubCreatedAt microseconds since 1970; what is finer than a millisecond is left out, for not every client tells it */
  at(hubCreatedAt: number, partition: number): PartitionSums {
    const source = { hubCreatedAt: Math.floor(hubCreatedAt / 1000) * 1000, partition };
    const key = partitionKey(source);
    const sums = this.partitions.get(key) ?? { ...source, rows: 0, sequences: 0n };
    this.partitions.set(key, sums);
    return sums;
  }
}

/**
 * The sums of a Delta table at one version. Memory and time are those of reading the columns that are needed.
 * @param byPartition without it the rows are counted alone
 * @throws `parquet.invalid`
 */
export async function sumDeltaRows(snapshot: Snapshot, byPartition: boolean): Promise<RowSums> {
  const sums = new RowSums();
  let [createdAt, hubPartition, current] = [Number.NaN, Number.NaN, undefined as PartitionSums | undefined];
  const columns = byPartition ? ['hub_created_at', 'hub_partition', 'sequence_number'] : [];
  await scanRows(
    { state: snapshot, files: snapshot.files.values(), columns },
    ([created, partition, sequence]) => {
      sums.rows++;
      if (!byPartition) return;
      // Rows of a partition lie together, and a lookup each would cost more than the rest.
      if (!current || createdAt !== Number(created) || hubPartition !== Number(partition)) {
        [createdAt, hubPartition] = [Number(created), Number(partition)];
        current = sums.at(createdAt, hubPartition);
      }
      current.rows++;
      current.sequences += typeof sequence === 'bigint' ? sequence : BigInt(Number(sequence));
    },
  );
  return sums;
}

/** A hub partition whose rows add up to one thing and should add up to another. */
export interface PartitionDifference extends SourcePartition {
  readonly found: Readonly<Sums>;
  readonly expected: Readonly<Sums>;
}

/** The partitions in which the sums differ, by age of the hub and number. */
export function differencesOf(found: RowSums, expected: RowSums): PartitionDifference[] {
  const sumsIn = ({ partitions }: RowSums, key: string): Sums => {
    const { rows, sequences } = partitions.get(key) ?? { rows: 0, sequences: 0n };
    return { rows, sequences };
  };
  const all = new Map([...found.partitions, ...expected.partitions]);
  const pairs = [...all].map(([key, { hubCreatedAt, partition }]) => ({
    hubCreatedAt,
    partition,
    found: sumsIn(found, key),
    expected: sumsIn(expected, key),
  }));
  return pairs
    .filter((pair) => !isDeepStrictEqual(pair.found, pair.expected))
    .sort((a, b) => a.hubCreatedAt - b.hubCreatedAt || a.partition - b.partition);
}
