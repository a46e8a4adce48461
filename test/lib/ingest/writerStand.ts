import type { TableLocation } from '../../../src/lib/delta/log';
import { openSnapshot } from '../../../src/lib/delta/openTable';
import { readDataFile } from '../../../src/lib/delta/readDataFile';
import type { ReadValue } from '../../../src/lib/delta/schema';
import { TableAppender } from '../../../src/lib/delta/tableAppender';
import type { HubFacts, IncomingBatch } from '../../../src/lib/ingest/admitBatch';
import type { RoundReport } from '../../../src/lib/ingest/roundReport';
import { TableWriter, type TableWriterOptions } from '../../../src/lib/ingest/tableWriter';
import { deadLettersTable, letterFields } from '../../../src/lib/lake/deadLetters';
import type { HubGeneration } from '../../../src/lib/lake/hubGeneration';
import { tableFields } from '../../../src/lib/lake/rowAddress';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import type { ObjectStore } from '../../../src/lib/storage/objectStore';
import { clickstream } from '../../../src/lib/streams/clickstream';
import { rangeOf } from './decodedRows';

export const createdOn = new Date(Date.UTC(2026, 0, 1));
/** Microseconds since 1970. */
export const hubCreatedAt = createdOn.getTime() * 1000;
export const generation: HubGeneration = { namespace: 'contoso', hub: 'clicks', createdOn };
export const appId = (partition: number) => `contoso/clicks@2026-01-01t00:00:00.000z/${partition}`;

/** Events `first` to `last` of a partition, one row each, whose productid is the sequence number. */
export function batch(partition: number, first: number, last: number, of = generation): IncomingBatch {
  const start = of.createdOn.getTime() * 1000;
  return {
    stream: 'clickstream',
    generation: of,
    partitionId: String(partition),
    events: Array.from({ length: last - first + 1 }, (_, i) => ({
      sequenceNumber: first + i,
      enqueuedAt: start + i,
      body: Buffer.from(`{"productid":${first + i}}`),
      ...rangeOf([[first + i, start, 1, 2]]),
      rejected: [],
    })),
  };
}

/** Tables in memory, their writers, and a simulated hub service. */
export class WriterStand {
  readonly store: ObjectStore;
  readonly at: TableLocation;
  /** The answers of the service: one hub, which still has all events from `beginning` on. */
  readonly service = { generation, beginning: 0 };
  /** The questions that the service was asked. */
  readonly asked: (keyof HubFacts)[] = [];
  readonly hubs: HubFacts = {
    refresh: async () => {
      this.asked.push('refresh');
      return this.service.generation;
    },
    firstSequenceNumber: async () => {
      this.asked.push('firstSequenceNumber');
      return this.service.beginning;
    },
  };
  readonly rounds: RoundReport[] = [];

  constructor(store: ObjectStore = new MemoryStore()) {
    this.store = store;
    this.at = { store, table: clickstream.table };
  }

  /** A writer as another process would make it. */
  writer(options: Partial<TableWriterOptions> = {}): TableWriter {
    const { store, at } = this;
    return new TableWriter({
      stream: 'clickstream',
      rows: new TableAppender({ at, fields: tableFields(clickstream) }),
      letters: new TableAppender({ at: { store, table: deadLettersTable }, fields: letterFields }),
      hubs: this.hubs,
      commitIntervalMs: 0,
      onRound: (report) => this.rounds.push(report),
      ...options,
    });
  }

  /** partition/sequenceNumber of every row in the table, sorted. Throws where a row is not that of its event. */
  async rows(): Promise<string[]> {
    const rows: string[] = [];
    const snapshot = await openSnapshot(this.at);
    if (!snapshot) return rows;
    for (const add of snapshot.files.values()) {
      const names = ['productid', 'hub_partition', 'sequence_number'];
      const { numRecords, columns } = await readDataFile(snapshot, add, names);
      for (let row = 0; row < numRecords; row++) {
        const [product, partition, sequenceNumber] = names.map((name) => columns.get(name)?.[row]);
        if (product !== sequenceNumber)
          throw new Error(`Event ${sequenceNumber} has the row of event ${product}.`);
        rows.push(`${partition}/${sequenceNumber}`);
      }
    }
    return rows.sort();
  }

  /** Every letter, as an object by column. */
  async letters(): Promise<Record<string, ReadValue>[]> {
    const letters: Record<string, ReadValue>[] = [];
    const snapshot = await openSnapshot({ ...this.at, table: deadLettersTable });
    if (!snapshot) return letters;
    const names = letterFields.map(({ name }) => name);
    for (const add of snapshot.files.values()) {
      const { numRecords, columns } = await readDataFile(snapshot, add, names);
      for (let row = 0; row < numRecords; row++)
        letters.push(Object.fromEntries(names.map((name) => [name, columns.get(name)?.[row] ?? null])));
    }
    return letters;
  }
}

export const addresses = (partition: number, first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, i) => `${partition}/${first + i}`).sort();
