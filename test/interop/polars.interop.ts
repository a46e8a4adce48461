import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commitPath } from '../../src/lib/delta/log';
import { field } from '../../src/lib/delta/schema';
import { checkpoint } from '../../src/lib/maintenance/checkpoint';
import { checkTable } from '../../src/lib/maintenance/checkTable';
import { compact } from '../../src/lib/maintenance/compact';
import type { PeerSchema } from '../kit/peer';
import { everyType, everyTypeFiles } from './everyType';
import { openSharedLake, type SharedLake } from './lake';
import { appendRows, readColumns, sortedRows } from './ourTable';
import { normalText, toText } from './texts';

let lake: SharedLake;

beforeAll(async () => {
  lake = await openSharedLake();
});

afterAll(() => lake?.close());

type Columns = Readonly<Record<string, (string | null)[]>>;

const polarsReads = (table: string) => lake.peer.call<Columns>('polars_read', { uri: lake.uri(table) });

describe('Polars and we', () => {
  it('reads what we wrote, also from a checkpoint and after a compaction, and finds rows by the statistics', async () => {
    const at = lake.at('polars-reads');
    const rows = everyTypeFiles.flat();
    for (const file of everyTypeFiles) await appendRows(at, everyType, file);
    const ours = new Map(
      everyType.map(({ name }, column) => [name, rows.map((row) => toText(row[column] ?? null))]),
    );
    const expectSameRows = async () => {
      const seen = await polarsReads('polars-reads');
      const theirs = everyType.map(
        ({ name, type }) => [name, (seen[name] ?? []).map((text) => normalText(type, text))] as const,
      );
      expect(sortedRows(new Map(theirs))).toEqual(sortedRows(ours));
      const found = await lake.peer.call<string[]>('polars_filter', {
        uri: lake.uri('polars-reads'),
        column: 'id',
        least: '3',
        key: 'id',
      });
      const wanted = ours.get('id')?.filter((id) => Number(id) >= 3);
      expect(found.toSorted()).toEqual(wanted?.toSorted());
    };
    await expectSameRows();
    const done = await checkpoint({ at });
    if (done.outcome !== 'written') throw new Error(done.outcome);
    for (let version = 0; version < done.version; version++)
      await at.store.delete(commitPath(at.table, version));
    await expectSameRows();
    expect(await compact({ at })).toMatchObject({ outcome: 'done', bins: [{ outcome: 'committed' }] });
    await expectSameRows();
  });

  it('appends to our table, with decimals, lists and structs, and we and it go on', async () => {
    const at = lake.at('polars-writes');
    const uri = lake.uri('polars-writes');
    const appendId = (id: number) => appendRows(at, [field('id', 'long')], [[id]]);
    await appendId(10);
    const priced: PeerSchema = [
      ['id', 'long'],
      ['price', 'decimal(20,4)'],
    ];
    const prices = ['0.1000', null, '-1234567890123456.7891'];
    const columns = [['20', '21', '22'], prices];
    await lake.peer.call('polars_write', { uri, schema: priced, columns, schema_mode: 'merge' });
    await lake.peer.call('polars_write_nested', { uri, schema_mode: 'merge' });
    await appendId(11);

    const expectSameRows = async () => {
      const seen = await readColumns(at);
      const ids = seen.get('id') ?? [];
      expect(ids.toSorted((a, b) => Number(a) - Number(b))).toEqual([1, 2, 10, 11, 20, 21, 22]);
      const price = (id: number) => seen.get('price')?.[ids.indexOf(id)];
      expect([20, 21, 22, 1, 11].map(price)).toEqual([...prices, null, null]);
      expect(seen.get('tags')?.[ids.indexOf(1)]).toEqual(['a', null]);
      expect(seen.get('point')?.[ids.indexOf(1)]).toEqual({ x: 1, label: 'é' });
      const theirs = await polarsReads('polars-writes');
      const priceOf = new Map(theirs.id?.map((id, row) => [id, theirs.price?.[row]]));
      expect(['20', '21', '22', '11'].map((id) => priceOf.get(id))).toEqual([...prices, null]);
      expect((await checkTable({ at }))?.findings).toEqual([]);
    };
    await expectSameRows();
    expect(await compact({ at })).toMatchObject({ outcome: 'done', bins: [{ outcome: 'committed' }] });
    await checkpoint({ at });
    await appendId(12);
    expect((await polarsReads('polars-writes')).id).toHaveLength(8);
  });
});
