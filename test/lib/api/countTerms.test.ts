import { expect, it, vi } from 'vitest';
import { ClicksApi } from '../../../src/lib/api/clicksApi';
import { countTerms } from '../../../src/lib/api/countTerms';
import { countedStreams, saveAllCounts } from '../../../src/lib/app/clicks';
import { cachedStatePath } from '../../../src/lib/counts/cachedState';
import { Counts } from '../../../src/lib/counts/counts';
import { ProductNames } from '../../../src/lib/counts/productNames';
import { append, createTable } from '../../../src/lib/delta/commit';
import { openState } from '../../../src/lib/delta/openTable';
import type { Field } from '../../../src/lib/delta/schema';
import { writeDataFile } from '../../../src/lib/delta/writeDataFile';
import { TributaryError } from '../../../src/lib/errors';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import { clickstream, countedClicks } from '../../../src/lib/streams/clickstream';
import { ClicksTable } from '../counts/clicksTable';
import { askDocumented } from './askDocumented';

const hostile = '=1+1';

/** A store that cannot be read. */
class AwayStore extends MemoryStore {
  override get = async (): Promise<never> => {
    throw new Error('The store is away.');
  };
}
const failing = new AwayStore();

const fields: readonly Field[] = [
  { name: 'store', type: 'string', nullable: true, metadata: {} },
  { name: 'region', type: 'string', nullable: true, metadata: {} },
  { name: 'enqueued_at', type: 'timestamp', nullable: true, metadata: {} },
];

/** An API over visits to stores, with texts as keys and as attributes. */
async function visits() {
  const store = new MemoryStore();
  const at = { store, table: 'visits' };
  await createTable(at, fields);
  const state = await openState(at);
  if (!state) throw new Error('There is no table.');
  const now = Date.now() * 1000;
  const columns = [
    ['10', 'Köln', 'Köln', hostile, null],
    ['west', 'west', 'west', null, 'west'],
    [now, now, now, now, now],
  ];
  await append({
    state,
    fields,
    adds: [{ ...(await writeDataFile({ at, fields, columns })), dataChange: true }],
    txns: [],
  });
  const counts = new Counts({ at, counted: { key: 'store', attribute: 'region' }, refreshMs: 0 });
  const api = new ClicksApi({ counts, names: new ProductNames(store), terms: countTerms });
  return async (path: string, query = '', headers: Record<string, string> = {}) => {
    const view = ['attributes', 'history', 'trending'].includes(path) ? path : '{key}';
    const documented = `/counts/{stream}${path && `/${view}`}`;
    return (await askDocumented(api, documented, { path, query, headers })).body;
  };
}

it('counts by texts as by numbers, in the words that are the same for every stream', async () => {
  const get = await visits();
  expect(JSON.parse(await get(''))).toMatchObject({
    total: 4,
    keys: [
      { key: 'Köln', attribute: 'west', count: 2 },
      { key: '10', attribute: 'west', count: 1 },
      { key: hostile, attribute: null, count: 1 },
    ],
  });
  expect(JSON.parse(await get('', 'attribute=west'))).toMatchObject({ total: 3 });
  expect(JSON.parse(await get('', 'attribute=null'))).toMatchObject({ total: 0, keys: [] });
  expect(JSON.parse(await get('attributes'))).toMatchObject({
    attributes: [
      { attribute: 'west', count: 3 },
      { attribute: null, count: 1 },
    ],
  });
  expect(JSON.parse(await get('10'))).toMatchObject({ key: '10', count: 1 });
  expect(JSON.parse(await get('Köln', 'last=15m'))).toMatchObject({ key: 'Köln', count: 2 });
  expect(JSON.parse(await get('Bonn'))).toMatchObject({
    status: 404,
    detail: 'No row with key "Bonn" has been counted.',
  });
  expect(JSON.parse(await get('history'))).toMatchObject({ total: 4 });
  expect(JSON.parse(await get('trending'))).toMatchObject({ keys: [] });
});

it('has no cell that a spreadsheet runs', async () => {
  const get = await visits();
  const csv = await get('', '', { accept: 'text/csv' });
  expect(csv.split('\r\n')).toEqual([
    'key,name,attribute,count',
    'Köln,,west,2',
    '10,,west,1',
    `'${hostile},,,1`,
    '',
  ]);
});

it('saves the counts of a table though those of another one fail', async () => {
  const store = new MemoryStore();
  const clicks = await new ClicksTable(store).create();
  await clicks.click(1);
  const broken = new Counts({ at: { store: failing, table: 'broken' }, counted: countedClicks });
  const whole = new Counts({ at: clicks.at, counted: countedClicks });
  const streams = [
    { stream: 'orders', table: 'broken', fold: broken },
    { stream: 'clickstream', table: 'clicks', fold: whole },
  ];
  const lines = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const saved = await saveAllCounts(streams, new AbortController().signal);
  expect(saved).toMatchObject({
    outcome: 'failed',
    table: 'broken',
    message: expect.stringContaining('away'),
  });
  expect(JSON.parse(lines.mock.lastCall?.[0])).toMatchObject({ event: 'counts-not-saved', stream: 'orders' });
  lines.mockRestore();
  expect(await store.get(cachedStatePath('clicks'))).toBeDefined();
});

it('waits once for storage that does not answer, and not for the counts of each table', async () => {
  const saved: string[] = [];
  const away = new TributaryError('storage.unavailable', 'No answer.');
  const foldOf = (stream: string) => ({
    stream,
    table: `${stream}-table`,
    fold: {
      save: async () => {
        saved.push(stream);
        throw away;
      },
    },
  });
  const lines = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const saving = saveAllCounts([foldOf('orders'), foldOf('clickstream')], new AbortController().signal);
  expect(await saving).toMatchObject({ code: 'storage.unavailable', table: 'orders-table' });
  lines.mockRestore();
  expect(saved).toEqual(['orders']);
});

it('counts the clicks once, whichever path asks', async () => {
  expect(await countedStreams()).toContain(clickstream);
});
