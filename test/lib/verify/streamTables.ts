import type { Txn } from '../../../src/lib/delta/actions';
import type { Value } from '../../../src/lib/delta/schema';
import { TableAppender } from '../../../src/lib/delta/tableAppender';
import { deadLettersTable, letterFields } from '../../../src/lib/lake/deadLetters';
import { tableFields } from '../../../src/lib/lake/rowAddress';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import type { ObjectStore } from '../../../src/lib/storage/objectStore';
import { clickstream } from '../../../src/lib/streams/clickstream';

export const createdOn = new Date(Date.UTC(2026, 0, 1, 12));

export interface WrittenLetter {
  readonly partition: number;
  readonly sequenceNumber: number;
  readonly element?: number;
  readonly reason?: string;
  readonly detail?: string;
  readonly body?: string;
  readonly stream?: string;
}

/** The body of an event that can become a click. */
export const clickBody = JSON.stringify({
  productid: 7,
  timestamp: '2026-01-01T12:00:00Z',
  sessionid: 3,
  category: 1,
});

/** Rows of single events of a partition, for `StreamTables.commit`. */
export const rowsIn = (partition: number, sequenceNumbers: readonly number[]) =>
  sequenceNumbers.map((sequenceNumber) => [partition, sequenceNumber] as const);

/** Writes clicks and dead letters as ingestion does, commit by commit. */
export class StreamTables {
  readonly store: ObjectStore;
  readonly #clicks: TableAppender;
  readonly #letters: TableAppender;
  readonly #hub: string;

  /** @param hub `namespace/hub` of the txns */
  constructor(store: ObjectStore = new MemoryStore(), hub = 'contoso/clicks') {
    this.store = store;
    this.#hub = hub;
    this.#clicks = new TableAppender({
      at: { store, table: clickstream.table },
      fields: tableFields(clickstream),
    });
    this.#letters = new TableAppender({ at: { store, table: deadLettersTable }, fields: letterFields });
  }

  /** A commit of rows given as [partition, sequenceNumber, element], which moves `txns`, given as [partition, version]. */
  async commit(
    rows: readonly (readonly [number, number, number?])[],
    txns: readonly (readonly [number, number])[],
    made: Date = createdOn,
    enqueued: Date = made,
  ): Promise<void> {
    const at = made.getTime() * 1000;
    const since = enqueued.getTime() * 1000;
    const values = rows.map(([partition, sequenceNumber, element = 0]) => [
      ...[1 + sequenceNumber, at, sequenceNumber, 1],
      ...[since + sequenceNumber, at, partition, sequenceNumber, element, null],
    ]);
    const moved = txns.map(([partition, version]): Txn => {
      const appId = `${this.#hub}@${made.toISOString()}/${partition}`.toLowerCase();
      return { appId, version, lastUpdated: Date.now() };
    });
    const columns = values.length > 0 ? transpose(values) : undefined;
    const prepared = await this.#clicks.prepare(await this.#clicks.state(), columns);
    if (!prepared) throw new Error('The log is not what it was.');
    await this.#clicks.commit(prepared, moved, values.length);
  }

  async addLetters(letters: readonly WrittenLetter[]): Promise<void> {
    const at = createdOn.getTime() * 1000;
    const values = letters.map(
      ({ partition, sequenceNumber, element = 0, reason = 'not-json', detail, body, stream }) => [
        ...[stream ?? 'clickstream', at, partition, sequenceNumber, element, at + sequenceNumber],
        ...[reason, detail ?? 'is not JSON', body ?? 'x', 'utf-8', at],
      ],
    );
    await this.#letters.appendRows(transpose(values), values.length);
  }
}

const transpose = (rows: readonly (readonly Value[])[]): Value[][] =>
  (rows[0] ?? []).map((_, column) => rows.map((row) => row[column] ?? null));
