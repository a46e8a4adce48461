import { openSnapshot } from '../delta/openTable';
import type { Snapshot } from '../delta/state';
import { deadLettersTable } from '../lake/deadLetters';
import { enqueuedAtColumn, rowKeyColumns } from '../lake/rowAddress';
import { type FileProgress, scanRows } from '../lake/scanRows';
import type { ObjectStore } from '../storage/objectStore';
import type { Stream } from '../streams/stream';
import { PartitionAudit, type PartitionReport } from './partitionAudit';
import { partitionKey, partitionTxns, type SourcePartition, successions } from './sourcePartition';
import { visitLetters } from './visitLetters';

export interface StreamReport {
  readonly version: number;
  readonly files: number;
  readonly partitions: readonly PartitionReport[];
}

export interface VerifyOptions {
  readonly store: ObjectStore;
  readonly stream: Stream;
  readonly onFile?: FileProgress;
}

/**
 * Proves from the tables alone, for every hub generation and partition:
 *
 * - Each sequence number from the first one in the table to the txn's version has a row or a dead letter.
 * - No row exists twice.
 * - No row was enqueued in a later hub of the same name.
 *
 * It cannot notice missing elements at the end of an event's body, because the tables do not say how many there were. It may run while a
 * writer works. Undefined if the stream has no table.
 * @throws `delta.invalid`, `parquet.invalid` when a table is damaged
 */
export async function verifyStream({
  store,
  stream,
  onFile,
}: VerifyOptions): Promise<StreamReport | undefined> {
  const snapshot = await openSnapshot({ store, table: stream.table });
  if (!snapshot) return undefined;
  const audits = new Map<string, PartitionAudit>();
  const auditOf = (at: SourcePartition): PartitionAudit => {
    const key = partitionKey(at);
    const audit = audits.get(key) ?? new PartitionAudit(at);
    audits.set(key, audit);
    return audit;
  };
  const txns = partitionTxns(snapshot.txns.values());
  for (const txn of txns) auditOf(txn).txn = txn;
  await auditRows({ snapshot, madeAgain: successions(txns), auditOf, onFile });
  // Open dead_letters after the stream's table: letters are written before the commit that moves past them, so none is missed.
  const letters = await openSnapshot({ store, table: deadLettersTable });
  if (letters) {
    await visitLetters(letters, stream.name, {
      rejected: (key) => auditOf(key).addLetter(key.sequenceNumber, key.element),
      range: (at, range) => auditOf(at).addRange(range),
    });
  }
  const partitions = [...audits.values()].flatMap((audit) => audit.report() ?? []);
  partitions.sort((a, b) => a.hubCreatedAt - b.hubCreatedAt || a.partition - b.partition);
  return { version: snapshot.version, files: snapshot.files.size, partitions };
}

interface RowsToAudit {
  readonly snapshot: Snapshot;
  readonly madeAgain: ReadonlyMap<number, number>;
  readonly auditOf: (at: SourcePartition) => PartitionAudit;
  readonly onFile: FileProgress | undefined;
}

async function auditRows({ snapshot, madeAgain, auditOf, onFile }: RowsToAudit): Promise<void> {
  let audit: PartitionAudit | undefined;
  const columns = madeAgain.size > 0 ? [...rowKeyColumns, enqueuedAtColumn] : rowKeyColumns;
  await scanRows({ state: snapshot, files: snapshot.files.values(), columns, onFile }, (row) => {
    const hubCreatedAt = Number(row[0]);
    const partition = Number(row[1]);
    const sequenceNumber = Number(row[2]);
    // Rows of a partition are stored together, so the last lookup is kept. One for each row would cost more than all other work.
    if (audit?.at.hubCreatedAt !== hubCreatedAt || audit.at.partition !== partition)
      audit = auditOf({ hubCreatedAt, partition });
    audit.addRow(sequenceNumber, Number(row[3]));
    if (madeAgain.size > 0 && Number(row[4]) >= (madeAgain.get(hubCreatedAt) ?? Number.POSITIVE_INFINITY))
      audit.addMisplaced(sequenceNumber);
  });
}
