import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { putCommit } from '../../src/lib/delta/commit';
import { commitPath } from '../../src/lib/delta/log';
import { field } from '../../src/lib/delta/schema';
import { TableAppender } from '../../src/lib/delta/tableAppender';
import { checkpoint } from '../../src/lib/maintenance/checkpoint';
import { checkTable } from '../../src/lib/maintenance/checkTable';
import { compact } from '../../src/lib/maintenance/compact';
import { deletionVector } from '../kit/deletionVector';
import { openSharedLake, type SharedLake } from './lake';
import { appendRows, readColumns, snapshotOf, stateOf } from './ourTable';

/*
 * Features that delta-rs turns on in our table, and off again.
 */

let lake: SharedLake;

beforeAll(async () => {
  lake = await openSharedLake();
});

afterAll(() => lake?.close());

const fields = [field('id', 'long')];

const theyCount = async (table: string) => {
  const [[count] = []] = await lake.peer.call<string[][]>('query', {
    uri: lake.uri(table),
    statements: ['select count(*) from t'],
  });
  return Number(count);
};

interface Feature {
  readonly name: string;
  on(uri: string): Promise<void>;
  off(uri: string): Promise<void>;
  readonly refusal: string;
}

const features: Feature[] = [
  {
    name: 'a constraint',
    on: (uri) => lake.peer.call('add_constraint', { uri, name: 'positive', expression: 'id > 0' }),
    off: (uri) => lake.peer.call('drop_constraint', { uri, name: 'positive' }),
    refusal: 'the check constraint delta.constraints.positive, .*DROP CONSTRAINT positive',
  },
  {
    name: 'the change data feed',
    on: (uri) => lake.peer.call('set_property', { uri, name: 'delta.enableChangeDataFeed', value: 'true' }),
    off: (uri) => lake.peer.call('set_property', { uri, name: 'delta.enableChangeDataFeed', value: 'false' }),
    refusal: "delta.enableChangeDataFeed=true, .*'delta.enableChangeDataFeed' = 'false'",
  },
];

describe('a feature that delta-rs turns on and off in our table', () => {
  it.each(features)('$name: refused with the statement, then the table takes appends', async (feature) => {
    const table = feature.name.replaceAll(' ', '-');
    const [at, uri] = [lake.at(table), lake.uri(table)];
    await appendRows(at, fields, [[1]]);
    await feature.on(uri);
    await expect(appendRows(at, fields, [[2]])).rejects.toMatchObject({
      code: 'delta.unsupported',
      message: expect.stringMatching(feature.refusal),
    });
    expect((await readColumns(at)).get('id')).toEqual([1]);
    await feature.off(uri);
    await appendRows(at, fields, [[3]]);
    expect(await compact({ at })).toMatchObject({ outcome: 'done', bins: [{ outcome: 'committed' }] });
    await checkpoint({ at });
    await appendRows(at, fields, [[4]]);
    expect((await readColumns(at)).get('id')?.toSorted()).toEqual([1, 3, 4]);
    expect(await theyCount(table)).toBe(3);
    expect((await checkTable({ at }))?.findings).toEqual([]);
  });
});

it('a table with a constraint of delta-rs gets no new column, and no file, of rows that it refuses', async () => {
  const at = lake.at('refusing');
  await appendRows(at, fields, [[1]]);
  await lake.peer.call('add_constraint', {
    uri: lake.uri('refusing'),
    name: 'positive',
    expression: 'id > 0',
  });
  const before = [];
  for await (const { path } of at.store.list('refusing/')) before.push(path);
  const table = new TableAppender({ at, fields: [...fields, field('note', 'string')] });
  await expect(table.appendRows([[2], ['new']], 1)).rejects.toMatchObject({ code: 'delta.unsupported' });
  const after = [];
  for await (const { path } of at.store.list('refusing/')) after.push(path);
  expect(after).toEqual(before);
  expect((await lake.peer.call<{ columns: object }>('read', { uri: lake.uri('refusing') })).columns).toEqual({
    id: ['1'],
  });
});

it('delta-rs reads our checkpoint of a table in which deletion vectors were in use once', async () => {
  const table = 'once-vectored';
  const at = lake.at(table);
  await appendRows(at, fields, [[1]]);
  const { version } = await appendRows(at, fields, [[2]]);
  const [path = ''] = (await snapshotOf(at)).files.keys();
  const remove = { path, deletionTimestamp: Date.now(), dataChange: false, deletionVector };
  await putCommit(at, version + 1, [{ remove }], { operation: 'REORG', isBlindAppend: false });
  await checkpoint({ at });
  for (let old = 0; old <= version; old++) await at.store.delete(commitPath(table, old));
  expect((await readColumns(at)).get('id')?.toSorted()).toEqual([1, 2]);
  expect(await theyCount(table)).toBe(2);
  expect(
    (await lake.peer.call<Record<string, unknown[]>>('polars_read', { uri: lake.uri(table) })).id,
  ).toHaveLength(2);
  expect((await stateOf(at)).version).toBe(version + 1);
});
