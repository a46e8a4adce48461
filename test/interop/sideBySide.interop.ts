import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { append, createTable } from '../../src/lib/delta/commit';
import { commitPath } from '../../src/lib/delta/log';
import { parseStatistics } from '../../src/lib/delta/readStatistics';
import { field, type Value } from '../../src/lib/delta/schema';
import { writeDataFile } from '../../src/lib/delta/writeDataFile';
import { checkpoint } from '../../src/lib/maintenance/checkpoint';
import { checkTable } from '../../src/lib/maintenance/checkTable';
import { compact } from '../../src/lib/maintenance/compact';
import type { PeerSchema } from '../kit/peer';
import { everyType, everyTypeFiles } from './everyType';
import { openSharedLake, type SharedLake } from './lake';
import { appendRows, readColumns, readTexts, snapshotOf, sortedRows, stateOf } from './ourTable';
import { toText } from './texts';

let lake: SharedLake;

beforeAll(async () => {
  lake = await openSharedLake();
});

afterAll(() => lake?.close());

const fields = [field('writer', 'string', false), field('n', 'long', false)];
const schema: PeerSchema = [
  ['writer', 'string'],
  ['n', 'long'],
];
const commits = 200;
const burst = 10;

describe('delta-rs and we', () => {
  it(`append to one table at once, ${commits} commits each, and none is lost`, async () => {
    const at = lake.at('raced');
    await createTable(at, fields);
    let state = await stateOf(at);
    let races = 0;
    const appendOurs = async (from: number) => {
      for (let n = from; n < from + burst; n++) {
        const adds = [await writeDataFile({ at, fields, columns: [['ours'], [n]] })];
        const before = state.version;
        const done = await append({ state, fields, adds, txns: [{ appId: 'ours', version: n }] });
        expect(done.outcome).toBe('committed');
        state = done.state;
        if (state.version > before + 1) races++;
      }
    };
    // Commit in bursts that begin together. Otherwise the faster of the two would be done long before the other.
    for (let from = 0; from < commits; from += burst) {
      const batches = Array.from({ length: burst }, (_, n) => [['theirs'], [String(from + n)]]);
      const theirs = lake.peer.call('append_many', { uri: lake.uri('raced'), schema, batches });
      await Promise.all([theirs, appendOurs(from)]);
    }
    expect(races).toBeGreaterThan(0);

    const wanted = ['ours', 'theirs'].flatMap((writer) =>
      Array.from({ length: commits }, (_, n) => `${writer} ${n}`),
    );
    const seen = await readColumns(at);
    const rows = (seen.get('writer') ?? []).map((writer, row) => `${writer} ${seen.get('n')?.[row]}`);
    expect(rows.sort()).toEqual(wanted.sort());
    expect((await snapshotOf(at)).version).toBe(commits * 2);
    const counted = await lake.peer.call('query', {
      uri: lake.uri('raced'),
      statements: ['select count(distinct n) from t group by writer', 'select count(*) from t'],
    });
    expect(counted).toEqual([[String(commits), String(commits)], [String(commits * 2)]]);
  });

  it('go on after its compaction, checkpoint, cleaning and vacuum of our table, with our txns intact', async () => {
    const at = lake.at('tended');
    const uri = lake.uri('tended');
    const appId = (partition: number) => `ns/hub@2026-01-01t00:00:00.000z/${partition}`;
    const numbers: Value[] = [];
    const appendNumber = async (n: number) => {
      numbers.push(n);
      return appendRows(at, fields, [['ours', n]], [{ appId: appId(n % 4), version: n }]);
    };
    const expectIntact = async () => {
      const { txns } = await stateOf(at);
      const last = numbers.length - 1;
      for (let n = last; n > last - 4; n--) expect(txns.get(appId(n % 4))?.version).toBe(n);
      expect((await readColumns(at)).get('n')?.toSorted((a, b) => Number(a) - Number(b))).toEqual(numbers);
      const [theirs] = await lake.peer.call<string[][]>('query', {
        uri,
        statements: ['select n from t order by n'],
      });
      expect(theirs).toEqual(numbers.map(String));
    };

    for (let n = 0; n < 20; n++) await appendNumber(n);
    await lake.peer.call('compact', { uri });
    expect((await snapshotOf(at)).files.size).toBe(1);
    await expectIntact();
    await appendNumber(20);
    await lake.peer.call('checkpoint', { uri });
    await appendNumber(21);
    await expectIntact();
    const removed = await lake.peer.call<string[]>('vacuum', { uri });
    expect(removed).toHaveLength(20);
    await expectIntact();
    for (let version = 0; version < 20; version++)
      await lake.store.delete(`tended/_delta_log/${String(version).padStart(20, '0')}.json`);
    await appendNumber(22);
    await lake.peer.call('compact', { uri });
    await lake.peer.call('checkpoint', { uri });
    await appendNumber(23);
    await expectIntact();
  });

  it('meet in one commit: an append that its compaction overtook is run again', async () => {
    const at = lake.at('overtaken');
    await appendRows(at, fields, [['ours', 0]]);
    const state = await appendRows(at, fields, [['ours', 1]]);
    await lake.peer.call('compact', { uri: lake.uri('overtaken') });
    const adds = [await writeDataFile({ at, fields, columns: [['ours'], [2]] })];
    const done = await append({ state, fields, adds, txns: [] });
    expect(done).toMatchObject({ outcome: 'committed', state: { version: state.version + 2 } });
    expect((await readColumns(at)).get('n')?.toSorted()).toEqual([0, 1, 2]);
  });

  it('share a table to which it added decimals, lists, maps and structs: appends, checks and compactions go on', async () => {
    const at = lake.at('widened');
    const uri = lake.uri('widened');
    const ours = [field('id', 'long')];
    const appendId = (id: number) => appendRows(at, ours, [[id]]);
    const theirs = () => lake.peer.call<{ columns: unknown }>('read', { uri });
    await appendId(10);
    await lake.peer.call('write_nested', { uri, schema_mode: 'merge' });
    const wide: PeerSchema = [
      ['id', 'long'],
      ['price', 'decimal(38,10)'],
    ];
    const prices = ['0.1000000000', null, '-9999999999999999999999999999.9999999999'];
    await lake.peer.call('write', {
      uri,
      schema: wide,
      columns: [['20', '21', '22'], prices],
      schema_mode: 'merge',
    });
    await appendId(11);
    await appendId(12);

    expect((await checkTable({ at }))?.findings).toEqual([]);
    const before = await readColumns(at);
    const rowOf = (id: number) => before.get('id')?.indexOf(id) ?? -1;
    expect([20, 21, 22, 10, 12].map((id) => before.get('price')?.[rowOf(id)])).toEqual([
      ...prices,
      null,
      null,
    ]);
    expect(before.get('tags')?.[rowOf(1)]).toEqual(['a', null]);
    const texts = sortedRows(await readTexts(at));
    const { columns } = await theirs();

    const compacted = await compact({ at });
    expect(compacted).toMatchObject({ outcome: 'done', bins: [{ outcome: 'committed', inputs: 3 }] });
    expect((await snapshotOf(at)).files.size).toBe(3);
    expect(sortedRows(await readTexts(at))).toEqual(texts);
    const rows = (seen: unknown) => sortedRows(new Map(Object.entries(seen as Record<string, string[]>)));
    expect(rows((await theirs()).columns)).toEqual(rows(columns));
    expect((await checkTable({ at }))?.findings).toEqual([]);
  });

  it.each(['true', 'false'])(
    'keep statistics in checkpoints as structs for each other, JSON beside them: %s',
    async (json) => {
      const table = `structs-${json}`;
      const [at, uri] = [lake.at(table), lake.uri(table)];
      const configuration = {
        'delta.checkpoint.writeStatsAsStruct': 'true',
        'delta.checkpoint.writeStatsAsJson': json,
      };
      const forgetCommits = async (first: number, last: number) => {
        for (let version = first; version <= last; version++)
          await at.store.delete(commitPath(table, version));
      };
      const bounds = async () =>
        [...(await snapshotOf(at)).files.values()]
          .map((add) => parseStatistics(add, everyType, table))
          .map(({ numRecords, columns }) => [
            columns.get('id')?.min,
            columns.get('timestamp')?.max,
            numRecords,
          ])
          .sort((a, b) => Number(a[0]) - Number(b[0]));
      const ids = () =>
        lake.peer.call<string[][]>('filter', {
          uri,
          key: 'id',
          queries: [
            ['id', '>=', '3'],
            ['id', '<', '2'],
          ],
        });
      const kinds: PeerSchema = everyType.map(({ name, type }) => [name, String(type)]);
      for (const rows of everyTypeFiles.slice(0, 2)) {
        const columns = everyType.map((_, column) => rows.map((row) => toText(row[column] ?? null)));
        await lake.peer.call('write', { uri, schema: kinds, columns, configuration });
      }
      const [first, second] = [await bounds(), await ids()];
      await lake.peer.call('checkpoint', { uri });
      await forgetCommits(0, 0);
      expect(await bounds()).toEqual(first);
      expect((await checkTable({ at }))?.findings).toEqual([]);

      await appendRows(at, everyType, everyTypeFiles[4] ?? []);
      expect(await checkpoint({ at })).toMatchObject({ outcome: 'written', version: 2 });
      await forgetCommits(1, 1);
      expect((await bounds()).slice(0, 2)).toEqual(first);
      const [from, below] = await ids();
      expect([from?.filter((id) => Number(id) < 10).sort(), below]).toEqual([second[0]?.sort(), ['1']]);
    },
  );
});
