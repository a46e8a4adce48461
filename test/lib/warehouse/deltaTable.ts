import { parquetWriteBuffer } from 'hyparquet-writer';
import { append, createTable, putCommit } from '../../../src/lib/delta/commit';
import {
  checkpointPath,
  commitPath,
  lastCheckpointPath,
  type TableLocation,
} from '../../../src/lib/delta/log';
import { openSnapshot, openState } from '../../../src/lib/delta/openTable';
import { encodeCheckpointRows } from '../../../src/lib/delta/parquet/encodeCheckpoint';
import { readDataFile } from '../../../src/lib/delta/readDataFile';
import type { Value } from '../../../src/lib/delta/schema';
import type { Snapshot } from '../../../src/lib/delta/state';
import { writeDataFile } from '../../../src/lib/delta/writeDataFile';
import { tableFields } from '../../../src/lib/lake/rowAddress';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import type { ObjectStore } from '../../../src/lib/storage/objectStore';
import { clickstream } from '../../../src/lib/streams/clickstream';
import type { Stream } from '../../../src/lib/streams/stream';
import { UnloadedCommits } from '../../../src/lib/warehouse/unloadedCommits';
import { assetStream } from '../../kit/assetStream';

/** A table of clicks or assets in memory, written as the ingest function writes. */
export class DeltaTable {
  readonly at: TableLocation;
  /** As a process that loads this table has read its log. */
  readonly commits: UnloadedCommits;
  readonly stream: Stream;
  #nextSequenceNumber = 0;

  constructor(stream: Stream, store: ObjectStore = new MemoryStore()) {
    this.stream = stream;
    this.at = { store, table: stream.table };
    this.commits = new UnloadedCommits(this.at);
  }

  async create(): Promise<this> {
    await createTable(this.at, tableFields(this.stream));
    return this;
  }

  /** One commit with one file. Rows are the stream's own columns; without any, a commit with no file. */
  async commit(rows: readonly (readonly Value[])[]): Promise<number> {
    const state = await openState(this.at);
    if (!state) throw new Error('The table is not there.');
    const fields = tableFields(this.stream);
    const all = rows.map((row) => [...row, base, base, 0, this.#nextSequenceNumber++, 0]);
    const columns = fields.map((_, column) => all.map((row) => row[column] ?? null));
    const adds = rows.length === 0 ? [] : [await writeDataFile({ at: this.at, fields, columns })];
    const txns = [{ appId: 'contoso/hub@2026/0', version: this.#nextSequenceNumber }];
    const { state: after } = await append({ state, fields, adds, txns });
    return after.version;
  }

  /** One commit with one file of another writer, which checks no values. Rows have all columns but the texts. */
  async commitForeign(rows: readonly (readonly Value[])[]): Promise<void> {
    const { version } = await this.#snapshot();
    const fields = tableFields(this.stream).filter(({ type }) => type !== 'string');
    const columnData = fields.map(({ name }, column) => ({ name, data: rows.map((row) => row[column]) }));
    const schema = fields.map(({ name, type }) => ({
      name,
      type: type === 'integer' ? ('INT32' as const) : ('INT64' as const),
      repetition_type: 'OPTIONAL' as const,
      ...(type === 'timestamp' ? { converted_type: 'TIMESTAMP_MICROS' as const } : {}),
    }));
    const root = { name: 'root', num_children: schema.length };
    const bytes = new Uint8Array(parquetWriteBuffer({ columnData, schema: [root, ...schema] }));
    const path = `part-${version + 1}.parquet`;
    await this.at.store.put(`${this.at.table}/${path}`, bytes);
    const add = {
      path,
      partitionValues: {},
      size: bytes.length,
      modificationTime: Date.now(),
      dataChange: true,
    };
    await putCommit(this.at, version + 1, [{ add }], { operation: 'WRITE', isBlindAppend: true });
  }

  /** A commit that takes all files away, as an UPDATE or DELETE of another writer does. */
  async removeAll(): Promise<void> {
    const snapshot = await this.#snapshot();
    const removes = [...snapshot.files.keys()].map((path) => ({
      remove: { path, dataChange: true, deletionTimestamp: Date.now() },
    }));
    await putCommit(this.at, snapshot.version + 1, removes, { operation: 'DELETE', isBlindAppend: false });
  }

  /** All files in one, as maintenance does it: no row is new, none goes. */
  async compact(): Promise<void> {
    const snapshot = await this.#snapshot();
    const fields = tableFields(this.stream);
    const names = fields.map(({ name }) => name);
    const columns: Value[][] = fields.map(() => []);
    for (const add of snapshot.files.values()) {
      const file = await readDataFile(snapshot, add, names);
      for (const [index, name] of names.entries())
        columns[index]?.push(...((file.columns.get(name) ?? []) as readonly Value[]));
    }
    const add = { ...(await writeDataFile({ at: this.at, fields, columns })), dataChange: false };
    const removes = [...snapshot.files.keys()].map((path) => ({
      remove: { path, dataChange: false, deletionTimestamp: Date.now() },
    }));
    const description = { operation: 'OPTIMIZE', isBlindAppend: false };
    await putCommit(this.at, snapshot.version + 1, [...removes, { add }], description);
  }

  /** A checkpoint of the newest version, and no log entry before it any more. */
  async checkpointAndClean(): Promise<void> {
    const { version, protocol, metaData, txns, files } = await this.#snapshot();
    const { bytes } = encodeCheckpointRows([
      { protocol },
      { metaData },
      ...[...txns.values()].map((txn) => ({ txn })),
      ...[...files.values()].map((add) => ({ add })),
    ]);
    const { store, table } = this.at;
    await store.put(checkpointPath(table, version), bytes);
    await store.put(
      lastCheckpointPath(table),
      Buffer.from(JSON.stringify({ version, size: files.size + 2 })),
    );
    for (let old = 0; old < version; old++) await store.delete(commitPath(table, old));
  }

  async #snapshot(): Promise<Snapshot> {
    const snapshot = await openSnapshot(this.at);
    if (!snapshot) throw new Error('The table is not there.');
    return snapshot;
  }
}

/** 2026-01-01 in microseconds. */
export const base = Date.UTC(2026, 0, 1) * 1000;

export const clicksTable = () => new DeltaTable(clickstream).create();
export const assetsTable = () => new DeltaTable(assetStream).create();

/** Clicks of products `first` to `first + count - 1`. */
export const clicks = (count: number, first = 0): Value[][] =>
  Array.from({ length: count }, (_, index) => [first + index, base + index * 10_000, index % 7, 3]);

export interface AssetFields {
  readonly id?: string;
  readonly symbol?: string | null;
  readonly name?: string | null;
  readonly price?: number | null;
  readonly explorer?: string | null;
  readonly at?: number | bigint;
}

export const asset = (fields: AssetFields = {}): Value[] => [
  fields.id ?? 'bitcoin',
  1,
  fields.symbol === undefined ? 'BTC' : fields.symbol,
  fields.name === undefined ? 'Bitcoin' : fields.name,
  19_000_000.5,
  21_000_000,
  1.2e12,
  3.4e-7,
  fields.price === undefined ? 65_432.1 : fields.price,
  -1.5,
  null,
  fields.explorer === undefined ? 'https://blockchain.info/' : fields.explorer,
  fields.at ?? base,
];
