import { quantity } from '../quantity';
import { PartitionCoverage, type SequenceRange } from './partitionCoverage';
import type { SourcePartition } from './sourcePartition';

/** How many gaps, duplicates and torn events of a partition are listed. All of them are counted. */
const listed = 20;

/** A number of findings, of which only the first ones are kept. */
export interface Tally<T> {
  readonly count: number;
  readonly examples: readonly T[];
}

export interface PartitionReport extends SourcePartition {
  /** The appId of the partition's txn; undefined if the table has rows but no txn. */
  readonly appId: string | undefined;
  /** The first sequence number that rows or letters account for. */
  readonly first: number | undefined;
  /** The txn's version: the last sequence number that is committed. */
  readonly committed: number | undefined;
  readonly rows: number;
  /** How many elements only a dead letter accounts for. */
  readonly letters: number;
  /** How many events will never come, according to letters. */
  readonly neverCame: number;
  /** Sequence numbers up to `committed` that neither rows nor letters account for. */
  readonly gaps: Tally<SequenceRange>;
  /** Rows that have the same sequence number and element as another row. */
  readonly duplicates: Tally<{ readonly sequenceNumber: number; readonly element: number }>;
  /** Sequence numbers of events of which some elements are missing. */
  readonly torn: Tally<number>;
  /** How many rows have a sequence number above `committed`. */
  readonly beyond: number;
  /** Sequence numbers of rows that were enqueued after the hub was made again, so that they belong to the new hub. */
  readonly misplaced: Tally<number>;
}

/** The problems in a partition's report; empty if there are none. */
export const problemsOf = ({
  gaps,
  duplicates,
  torn,
  beyond,
  misplaced,
  committed,
}: PartitionReport): string[] => [
  ...(committed === undefined ? ['rows without a txn'] : []),
  ...(gaps.count > 0 ? [`${quantity(gaps.count, 'event')} missing`] : []),
  ...(duplicates.count > 0 ? [quantity(duplicates.count, 'duplicate row')] : []),
  ...(torn.count > 0 ? [`${quantity(torn.count, 'event')} with missing elements`] : []),
  ...(beyond > 0 ? [`${quantity(beyond, 'row')} beyond the txn`] : []),
  ...(misplaced.count > 0
    ? [`${quantity(misplaced.count, 'row')} enqueued after the hub was made again`]
    : []),
];

/** Collects the rows and dead letters of a partition, and reports what is missing or doubled. */
export class PartitionAudit {
  readonly at: SourcePartition;
  txn: { readonly appId: string; readonly version: number } | undefined;
  readonly #coverage = new PartitionCoverage();
  readonly #duplicates: { sequenceNumber: number; element: number }[] = [];
  #duplicateRows = 0;
  readonly #misplaced: number[] = [];
  #misplacedRows = 0;
  #rows = 0;
  #beyond = 0;
  #letters = 0;
  #neverCame = 0;

  constructor(at: SourcePartition) {
    this.at = at;
  }

  addRow(sequenceNumber: number, element: number): void {
    this.#rows++;
    if (this.txn && sequenceNumber > this.txn.version) this.#beyond++;
    if (this.#coverage.add(sequenceNumber, element)) return;
    this.#duplicateRows++;
    if (this.#duplicates.length < listed) this.#duplicates.push({ sequenceNumber, element });
  }

  addMisplaced(sequenceNumber: number): void {
    this.#misplacedRows++;
    if (this.#misplaced.length < listed) this.#misplaced.push(sequenceNumber);
  }

  /** Adds a dead letter. A letter above the txn is ignored: its commit is not finished, or has failed and will be tried again. */
  addLetter(sequenceNumber: number, element: number): void {
    if (this.txn && sequenceNumber <= this.txn.version && this.#coverage.add(sequenceNumber, element))
      this.#letters++;
  }

  addRange({ first, last }: SequenceRange): void {
    if (!this.txn || first > this.txn.version) return;
    if (this.#coverage.addRange({ first, last })) this.#neverCame += last - first + 1;
  }

  /** The report; undefined if the partition only has letters whose commits are not finished. */
  report(): PartitionReport | undefined {
    const { txn } = this;
    if (!txn && this.#rows === 0) return undefined;
    const upTo = txn?.version ?? this.#coverage.last;
    return {
      ...this.at,
      appId: txn?.appId,
      first: this.#coverage.first,
      committed: txn?.version,
      rows: this.#rows,
      letters: this.#letters,
      neverCame: this.#neverCame,
      gaps: tally(this.#coverage.gaps(upTo), ({ first, last }) => last - first + 1),
      duplicates: { count: this.#duplicateRows, examples: this.#duplicates },
      torn: tally(this.#coverage.torn(upTo), () => 1),
      beyond: this.#beyond,
      misplaced: { count: this.#misplacedRows, examples: this.#misplaced },
    };
  }
}

function tally<T>(found: Iterable<T>, weight: (each: T) => number): Tally<T> {
  const examples: T[] = [];
  let count = 0;
  for (const each of found) {
    count += weight(each);
    if (examples.length < listed) examples.push(each);
  }
  return { count, examples };
}
