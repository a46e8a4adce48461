import { append, createTable, putCommit } from '../../../src/lib/delta/commit';
import { commitPath, type TableLocation } from '../../../src/lib/delta/log';
import { openSnapshot, openState } from '../../../src/lib/delta/openTable';
import { type Field, field } from '../../../src/lib/delta/schema';
import { writeDataFile } from '../../../src/lib/delta/writeDataFile';
import type { ObjectStore } from '../../../src/lib/storage/objectStore';
import type { Column, Latest } from '../../../src/lib/streams/stream';

/** Prices of things, as a stream would declare them. */
export const latest: Latest = {
  key: 'id',
  asOf: 'at',
  columns: ['price', 'name'],
  history: ['price'],
};

export const fields: readonly Field[] = [
  field('id', 'string'),
  field('at', 'timestamp'),
  field('price', 'double'),
  field('name', 'string'),
  field('enqueued_at', 'timestamp'),
];

export const columns = fields as readonly Column[];

export interface Price {
  readonly id: string | null;
  /** Milliseconds since 1970. */
  readonly at: number | null;
  readonly price?: number | null;
  readonly name?: string | null;
  /** Milliseconds since 1970; the same as `at` unless told. */
  readonly enqueuedAt?: number | null;
}

/** A table of prices, written as the app writes its tables. */
export class PricesTable {
  readonly at: TableLocation;

  constructor(store: ObjectStore) {
    this.at = { store, table: 'prices' };
  }

  async create(): Promise<this> {
    await createTable(this.at, fields);
    return this;
  }

  async write(prices: readonly Price[], dataChange = true) {
    const micros = (ms: number | null) => (ms === null ? null : ms * 1000);
    const values = [
      prices.map(({ id }) => id),
      prices.map(({ at }) => micros(at)),
      prices.map(({ price = null }) => price),
      prices.map(({ name = null }) => name),
      prices.map(({ at, enqueuedAt = at }) => micros(enqueuedAt)),
    ];
    return { ...(await writeDataFile({ at: this.at, fields, columns: values })), dataChange };
  }

  /** One commit with one file. */
  async append(prices: readonly Price[]): Promise<void> {
    const state = await openState(this.at);
    if (!state) throw new Error('There is no table.');
    await append({ state, fields, adds: [await this.write(prices)], txns: [] });
  }

  /** Puts these prices, as one file, in the place of all files, as another engine's DELETE or OPTIMIZE does. */
  async replaceAll(prices: readonly Price[], dataChange: boolean): Promise<void> {
    const snapshot = await openSnapshot(this.at);
    const removes = [...(snapshot?.files.keys() ?? [])].map((path) => ({
      remove: { path, dataChange, deletionTimestamp: 1 },
    }));
    const add = await this.write(prices, dataChange);
    const description = { operation: 'DELETE', isBlindAppend: false };
    await putCommit(this.at, (snapshot?.version ?? 0) + 1, [...removes, { add }], description);
  }

  /** Rolls storage back to a version: later log entries are deleted. */
  async goBackTo(version: number): Promise<void> {
    const newest = (await openState(this.at))?.version ?? -1;
    for (let each = newest; each > version; each--)
      await this.at.store.delete(commitPath(this.at.table, each));
  }

  /** The bytes of all live files. */
  async liveFiles(): Promise<Uint8Array[]> {
    const snapshot = await openSnapshot(this.at);
    const paths = [...(snapshot?.files.keys() ?? [])];
    const { store, table } = this.at;
    return Promise.all(
      paths.map(async (path) => (await store.get(`${table}/${path}`))?.bytes ?? new Uint8Array()),
    );
  }
}
