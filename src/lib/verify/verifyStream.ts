import { openSnapshot } from '../delta/openTable';
import type { Snapshot } from '../delta/state';
import { deadLettersTable } from '../ingest/deadLetters';
import type { ObjectStore } from '../storage/objectStore';
import type { Stream } from '../streams/stream';
import { PartitionCoverage, type SequenceRange } from './partitionCoverage';
import { partitionKey, partitionTxns, type SourcePartition } from './sourcePartition';
import { visitLetters } from './visitLetters';
import { visitRows } from './visitRows';

/** How many gaps, duplicates and torn events of a partition are listed; all are counted. */
const listed = 20;

/** Things of which only the first ones are kept. */
export interface Tally<T> {
  readonly count: number;
  readonly examples: readonly T[];
}

export interface PartitionReport extends SourcePartition {
  /** The txn of the partition; undefined when the table has rows but no txn. */
  readonly appId: string | undefined;
  /** The first sequence number that rows or letters account for. */
  readonly first: number | undefined;
  /** The txn's version: the last sequence number that is committed. */
  readonly committed: number | undefined;
  readonly rows: number;
  /** Elements that only a dead letter accounts for. */
  readonly letters: number;
  /** Events that letters say will never come. */
  readonly neverCame: number;
  /** Sequence numbers up to `committed` that neither rows nor letters account for. */
  readonly gaps: Tally<SequenceRange>;
  /** Rows whose (sequence number, element) another row has. */
  readonly duplicates: Tally<{ readonly sequence: number; readonly element: number }>;
  /** Events some of whose elements are missing. */
  readonly torn: Tally<number>;
  /** Rows with a sequence number above `committed`. */
  readonly beyond: number;
}

export interface StreamReport {
  readonly version: number;
  readonly files: number;
  readonly partitions: readonly PartitionReport[];
}

export interface VerifyOptions {
  readonly store: ObjectStore;
  readonly stream: Stream;
}

/**
 * Proves from the tables alone, for every generation and partition, that rows and dead letters account for each sequence
 * number from the first one kept to the txn's version, and that no row is there twice. Elements missing at the end of an
 * event's body leave no trace: the tables do not say how many there were. It may run beside a writer. Undefined when the
 * stream has no table.
 * @throws `delta.invalid`, `parquet.invalid` when a table is damaged
 */
export async function verifyStream({ store, stream }: VerifyOptions): Promise<StreamReport | undefined> {
  const snapshot = await openSnapshot({ store, table: stream.table });
  if (!snapshot) return undefined;
  const audits = new Map<string, PartitionAudit>();
  const auditOf = (at: SourcePartition): PartitionAudit => {
    const key = partitionKey(at);
    const audit = audits.get(key) ?? new PartitionAudit(at);
    audits.set(key, audit);
    return audit;
  };
  for (const txn of partitionTxns(snapshot.txns.values())) auditOf(txn).txn = txn;
  await auditRows(snapshot, auditOf);
  // Letters come before the commit that moves past them: opened later, their table has all that this snapshot needs.
  const letters = await openSnapshot({ store, table: deadLettersTable });
  if (letters) {
    await visitLetters(letters, stream.name, {
      rejected: (key) => auditOf(key).addLetter(key.sequence, key.element),
      range: (at, range) => auditOf(at).addRange(range),
    });
  }
  const partitions = [...audits.values()].flatMap((audit) => audit.report() ?? []);
  partitions.sort((a, b) => a.hubCreatedAt - b.hubCreatedAt || a.partition - b.partition);
  return { version: snapshot.version, files: snapshot.files.size, partitions };
}

/** What a partition's report finds wrong, none when all is well. */
export const problemsOf = ({ gaps, duplicates, torn, beyond, committed }: PartitionReport): string[] => [
  ...(committed === undefined ? ['rows without a txn'] : []),
  ...(gaps.count > 0 ? [`${gaps.count} events missing`] : []),
  ...(duplicates.count > 0 ? [`${duplicates.count} duplicate rows`] : []),
  ...(torn.count > 0 ? [`${torn.count} events with missing elements`] : []),
  ...(beyond > 0 ? [`${beyond} rows beyond the txn`] : []),
];

async function auditRows(snapshot: Snapshot, auditOf: (at: SourcePartition) => PartitionAudit) {
  let audit: PartitionAudit | undefined;
  await visitRows({
    snapshot,
    columns: ['hub_created_at', 'hub_partition', 'sequence_number', 'element'],
    visit: ([createdAt, hubPartition, sequence, element]) => {
      const hubCreatedAt = Number(createdAt);
      const partition = Number(hubPartition);
      // Rows of a partition lie together, and a lookup each would cost more than the rest.
      if (audit?.at.hubCreatedAt !== hubCreatedAt || audit.at.partition !== partition)
        audit = auditOf({ hubCreatedAt, partition });
      audit.addRow(Number(sequence), Number(element));
    },
  });
}

class PartitionAudit {
  readonly at: SourcePartition;
  txn: { readonly appId: string; readonly version: number } | undefined;
  readonly #coverage = new PartitionCoverage();
  readonly #duplicates: { sequence: number; element: number }[] = [];
  #duplicateRows = 0;
  #rows = 0;
  #beyond = 0;
  #letters = 0;
  #neverCame = 0;

  constructor(at: SourcePartition) {
    this.at = at;
  }

  addRow(sequence: number, element: number): void {
    this.#rows++;
    if (this.txn && sequence > this.txn.version) this.#beyond++;
    if (this.#coverage.add(sequence, element)) return;
    this.#duplicateRows++;
    if (this.#duplicates.length < listed) this.#duplicates.push({ sequence, element });
  }

  /** A letter above the txn belongs to a commit that is under way, or never came to be and will be tried again. */
  addLetter(sequence: number, element: number): void {
    if (this.txn && sequence <= this.txn.version && this.#coverage.add(sequence, element)) this.#letters++;
  }

  addRange({ first, last }: SequenceRange): void {
    if (!this.txn || first > this.txn.version) return;
    if (this.#coverage.addRange({ first, last })) this.#neverCame += last - first + 1;
  }

  /** Undefined when nothing but letters of commits under way is known of the partition. */
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
