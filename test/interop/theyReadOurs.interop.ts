import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addColumns } from '../../src/lib/delta/addColumns';
import { commitPath, type TableLocation } from '../../src/lib/delta/log';
import { encodeParquet } from '../../src/lib/delta/parquet/encode';
import { type Field, field, type Value } from '../../src/lib/delta/schema';
import { checkpoint } from '../../src/lib/maintenance/checkpoint';
import { cleanLog } from '../../src/lib/maintenance/cleanLog';
import { compact } from '../../src/lib/maintenance/compact';
import { vacuum } from '../../src/lib/maintenance/vacuum';
import type { ObjectStore } from '../../src/lib/storage/objectStore';
import { everyType, everyTypeFiles } from './everyType';
import { expectFiltersToHold } from './filters';
import { openSharedLake, type SharedLake } from './lake';
import { appendRows, sortedRows, stateOf } from './ourTable';
import { normalText, toText } from './texts';

let lake: SharedLake;

beforeAll(async () => {
  lake = await openSharedLake();
});

afterAll(() => lake?.close());

/** The table as if its commit of that version had been written at that time. */
function writtenAt({ store, table }: TableLocation, version: number, time: Date): TableLocation {
  const path = commitPath(table, version);
  const dated: ObjectStore = {
    name: store.name,
    get: (one) => store.get(one),
    getRange: (one, start, length) => store.getRange(one, start, length),
    put: (one, bytes) => store.put(one, bytes),
    putIfAbsent: (one, bytes) => store.putIfAbsent(one, bytes),
    putIfMatch: (one, bytes, etag) => store.putIfMatch(one, bytes, etag),
    delete: (one) => store.delete(one),
    async *list(prefix) {
      for await (const object of store.list(prefix))
        yield object.path === path ? { ...object, lastModified: time } : object;
    },
  };
  return { store: dated, table };
}

interface PeerTable {
  readonly version: number;
  readonly schema: readonly { name: string; type: string; nullable: boolean }[];
  readonly columns: Readonly<Record<string, (string | null)[]>>;
}

/** delta-rs must see these rows, with these types, and find them by every column. */
async function expectPeerToRead(
  table: string,
  fields: readonly Field[],
  rows: readonly (readonly Value[])[],
  added: readonly string[] = [],
): Promise<PeerTable> {
  const seen = await lake.peer.call<PeerTable>('read', { uri: lake.uri(table) });
  expect(seen.schema.map(({ name, type, nullable }) => ({ name, type, nullable }))).toEqual(
    fields.map(({ name, type, nullable }) => ({ name, type, nullable })),
  );
  const theirs = new Map(
    fields.map(({ name, type }) => [name, (seen.columns[name] ?? []).map((text) => normalText(type, text))]),
  );
  const ours = new Map(
    fields.map(({ name }, column) => [name, rows.map((row) => toText(row[column] ?? null))]),
  );
  expect(sortedRows(theirs)).toEqual(sortedRows(ours));
  await expectFiltersToHold(lake.peer, { uri: lake.uri(table), fields, rows, added });
  return seen;
}

describe('delta-rs reads what we wrote', () => {
  const at = () => lake.at('every-type');

  it('sees the same rows and types, and finds each by every column', async () => {
    for (const rows of everyTypeFiles) await appendRows(at(), everyType, rows);
    await expectPeerToRead('every-type', everyType, everyTypeFiles.flat());
  });

  it('follows a table that grew columns, was checkpointed, lost its early commits, was compacted and vacuumed', async () => {
    const table = 'kept';
    const location = lake.at(table);
    const wider = [...everyType, field('note', 'string'), field('weight', 'double')];
    const later = Date.now() + 5 * 86_400_000;
    for (const file of everyTypeFiles) await appendRows(location, everyType, file);
    await addColumns(location, wider);
    const old = everyTypeFiles.flat().map((row) => [...row, null, null]);
    const empty = everyType.slice(1).map(() => null);
    const added: Value[][] = [
      [100, ...empty, '😀 a note', -1.5],
      [101, ...empty, null, Number.NaN],
      [102, ...empty, 'another', null],
    ];
    for (const row of added) await appendRows(location, wider, [row]);
    const rows = [...old, ...added];
    await expectPeerToRead(table, wider, rows, ['note', 'weight']);

    expect(await checkpoint({ at: location })).toMatchObject({ outcome: 'written' });
    const last: Value[] = [103, ...empty, 'after the checkpoint', 3];
    await appendRows(location, wider, [last]);
    rows.push(last);
    // The age of files is measured by the store's time, so pretend that the last commit was written then.
    const muchLater = async () => writtenAt(location, (await stateOf(location)).version, new Date(later));
    expect(await cleanLog({ at: await muchLater(), now: later })).toMatchObject({
      outcome: 'done',
      oldest: 11,
    });
    expect(await lake.store.get(commitPath(table, 10))).toBeUndefined();
    await expectPeerToRead(table, wider, rows, ['note', 'weight']);

    expect(await compact({ at: location })).toMatchObject({
      outcome: 'done',
      bins: [{ outcome: 'committed' }],
    });
    await expectPeerToRead(table, wider, rows);

    await checkpoint({ at: location });
    const vacuumed = await vacuum({ at: await muchLater(), now: later });
    expect(vacuumed).toMatchObject({ outcome: 'done', deleted: { length: 11 } });
    const { version } = await expectPeerToRead(table, wider, rows);
    expect(version).toBe((await stateOf(location)).version);
  });

  it('reads our txns', async () => {
    const txns = [{ appId: 'ns/hub@2026-01-01t00:00:00.000z/0', version: 2 ** 40 }];
    await appendRows(lake.at('txns'), [field('a', 'long')], [[1]], txns);
    expect(
      await lake.peer.call('txns', { uri: lake.uri('txns'), app_ids: [txns[0]?.appId, 'nobody'] }),
    ).toEqual([2 ** 40, null]);
  });

  it('finds the checksums of pages right, and a changed bit wrong', async () => {
    const rows = 1000;
    const columns = [Array.from({ length: rows }, (_, row) => row % 7), Array.from({ length: rows }, String)];
    const { bytes } = encodeParquet({ fields: [field('few', 'integer'), field('texts', 'string')], columns });
    const read = (file: Buffer) => lake.peer.call('read_file', { file: file.toString('base64') });
    expect(await read(bytes)).toBe(rows);
    const page = bytes.length / 2;
    bytes[page | 0] = (bytes[page | 0] ?? 0) ^ 1;
    await expect(read(bytes)).rejects.toThrow(/CRC checksum verification failed/);
  });

  it('finds no nulls of an added column through pyarrow in tables of its own making either', async () => {
    const uri = lake.uri('their-added');
    const write = (schema: [string, string][], columns: string[][]) =>
      lake.peer.call('write', { uri, schema, columns, schema_mode: 'merge' });
    await write([['id', 'long']], [['1']]);
    await write(
      [
        ['id', 'long'],
        ['note', 'string'],
      ],
      [['2'], ['a note']],
    );
    const asked = { uri, key: 'id', queries: [['note', 'null', null]] };
    expect(await lake.peer.call('filter', asked)).toEqual([[]]);
    const statements = ['select id from t where note is null'];
    expect(await lake.peer.call('query', { uri, statements })).toEqual([['1']]);
  });
});
