import { type Action, serializeCommit } from '../../../src/lib/delta/actions';
import { append, createTable, putCommit } from '../../../src/lib/delta/commit';
import { commitPath, type TableLocation } from '../../../src/lib/delta/log';
import { openSnapshot, openState } from '../../../src/lib/delta/openTable';
import type { Value } from '../../../src/lib/delta/schema';
import { writeDataFile } from '../../../src/lib/delta/writeDataFile';
import { tableFields } from '../../../src/lib/lake/rowAddress';
import type { ObjectStore } from '../../../src/lib/storage/objectStore';
import { clickstream } from '../../../src/lib/streams/clickstream';

export const fields = tableFields(clickstream);

export interface Click {
  readonly productid: number;
  readonly category?: number | null;
  /** When it was enqueued, in milliseconds since 1970. */
  readonly at?: number;
}

/** A table of clicks that is written as the app writes it. */
export class ClicksTable {
  readonly at: TableLocation;
  #nextSequenceNumber = 0;

  constructor(store: ObjectStore, table = 'clicks') {
    this.at = { store, table };
  }

  async create(): Promise<this> {
    await createTable(this.at, fields);
    return this;
  }

  async write(clicks: readonly Click[], dataChange = true) {
    const first = this.#nextSequenceNumber;
    this.#nextSequenceNumber += clicks.length;
    const columns: Value[][] = [
      clicks.map(({ productid }) => productid),
      clicks.map(() => null),
      clicks.map(() => null),
      clicks.map(({ productid, category = (productid % 10) + 1 }) => category),
      clicks.map(({ at = Date.now() }) => at * 1000),
      clicks.map(() => 1_700_000_000_000_000),
      clicks.map(() => 0),
      clicks.map((_, row) => first + row),
      clicks.map(() => 0),
      clicks.map(() => null),
    ];
    return { ...(await writeDataFile({ at: this.at, fields, columns })), dataChange };
  }

  /** One commit with one file. */
  async append(clicks: readonly Click[]): Promise<void> {
    const state = await openState(this.at);
    if (!state) throw new Error('There is no table.');
    await append({ state, fields, adds: [await this.write(clicks)], txns: [] });
  }

  /** Clicks on these products, now. */
  click = (...productids: number[]) => this.append(productids.map((productid) => ({ productid })));

  /** Puts these clicks, as one file, in the place of all files. */
  async replaceAll(clicks: readonly Click[], dataChange: boolean): Promise<void> {
    const snapshot = await openSnapshot(this.at);
    const removes = [...(snapshot?.files.keys() ?? [])].map((path) => ({
      remove: { path, dataChange, deletionTimestamp: 1 },
    }));
    const add = await this.write(clicks, dataChange);
    const description = { operation: 'TEST', isBlindAppend: false };
    await putCommit(this.at, (snapshot?.version ?? 0) + 1, [...removes, { add }], description);
  }

  /** Removes everything that the store has of the table. */
  async drop(): Promise<void> {
    for await (const { path } of this.at.store.list(`${this.at.table}/`)) await this.at.store.delete(path);
  }

  async paths(): Promise<string[]> {
    const snapshot = await openSnapshot(this.at);
    return [...(snapshot?.files.keys() ?? [])].map((path) => `${this.at.table}/${path}`);
  }

  /** Cleans the log below a version, as maintenance does once a checkpoint is there. */
  async cleanLog(below: number): Promise<void> {
    for (let version = 0; version < below; version++) await this.removeEntry(version);
  }

  /** Rolls storage back to a version: later log entries are deleted. */
  async goBackTo(version: number): Promise<void> {
    const newest = (await openState(this.at))?.version ?? -1;
    for (let each = newest; each > version; each--) await this.removeEntry(each);
  }

  removeEntry = (version: number) => this.at.store.delete(commitPath(this.at.table, version));

  /** Puts a log entry, whatever is there, that says nothing but these actions. */
  putEntry = (version: number, actions: readonly Action[]) =>
    this.at.store.put(commitPath(this.at.table, version), serializeCommit(actions));
}
