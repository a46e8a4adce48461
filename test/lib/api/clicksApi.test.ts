import { beforeEach, describe, expect, it } from 'vitest';
import { ClicksApi } from '../../../src/lib/api/clicksApi';
import { Counts } from '../../../src/lib/counts/counts';
import { ProductNames } from '../../../src/lib/counts/productNames';
import { ensureReadable } from '../../../src/lib/delta/protocol';
import { hourMs, minuteMs } from '../../../src/lib/duration';
import { TributaryError } from '../../../src/lib/errors';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import { countedClicks } from '../../../src/lib/streams/clickstream';
import { ClicksTable } from '../counts/clicksTable';
import { askDocumented } from './askDocumented';

let store: MemoryStore;
let table: ClicksTable;
let nowMs: number;
let errors: unknown[];
beforeEach(async () => {
  store = new MemoryStore();
  table = await new ClicksTable(store).create();
  nowMs = Math.floor(Date.now() / 60_000) * 60_000 + 30_000;
  errors = [];
});

function open(options: { maxKeys?: number } = {}) {
  const names = new ProductNames(store, { monotonicNow: () => nowMs });
  const counts = new Counts({
    preferred: () => names.preferred(),
    at: table.at,
    counted: countedClicks,
    refreshMs: 0,
    now: () => nowMs,
    monotonicNow: () => nowMs,
    ...options,
  });
  const api = new ClicksApi({ counts, names, now: () => nowMs, logError: (error) => errors.push(error) });
  return async (path: string, query = '', headers: Record<string, string> = {}) => {
    const documented = ['', 'categories', 'history', 'trending'].includes(path)
      ? `/clicks${path && `/${path}`}`
      : '/clicks/{productid}';
    const answer = await askDocumented(api, documented, { path, query, headers });
    return { ...answer, json: () => JSON.parse(answer.body) };
  };
}

describe('the clicks API', () => {
  it('logs the error, but does not show it to the caller', async () => {
    store.get = async () => {
      throw new Error('secret');
    };
    const failed = await open()('');
    expect(failed.status).toBe(500);
    expect(failed.body).not.toContain('secret');
    store.get = async () => {
      throw new TributaryError('storage.unavailable', 'secret');
    };
    const away = await open()('');
    expect(away.status).toBe(503);
    expect(away.body).not.toContain('secret');
    // Of the names and of the counts, each time.
    expect(errors.map(String)).toEqual(Array(4).fill(expect.stringContaining('secret')));
  });

  it('says which feature of the table is not implemented, and the statement that turns it off', async () => {
    const protocol = { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ['deletionVectors'] };
    store.get = async () => ensureReadable(protocol, 'secret/clicks version 3') as never;
    const failed = await open()('');
    expect(failed.status).toBe(500);
    expect(failed.json().detail).toBe(
      'The clicks cannot be counted: reading needs the table feature deletionVectors, which is not implemented. Turn it off: ALTER TABLE <table> DROP FEATURE deletionVectors.',
    );
  });

  it('answers anew when storage went back in time and grew another version of the same number', async () => {
    await table.click(1, 2);
    const get = open();
    const before = await get('');
    await table.goBackTo(0);
    await table.click(3, 3, 3);
    const after = await get('', '', { 'if-none-match': before.headers?.ETag ?? '' });
    expect(after.status).toBe(200);
    expect([before.json().version, before.json().total]).toEqual([1, 2]);
    expect([after.json().version, after.json().total]).toEqual([1, 3]);
  });

  it('moves a window on when its minute ends, though nothing was committed', async () => {
    await table.append([{ productid: 1, at: nowMs }]);
    const get = open();
    const first = await get('', 'last=2m');
    const tag = first.headers.ETag ?? '';
    expect(first.json()).toMatchObject({ total: 1 });
    nowMs += 20_000;
    expect((await get('', 'last=2m', { 'if-none-match': tag })).status).toBe(304);
    nowMs += 100_000;
    const later = await get('', 'last=2m', { 'if-none-match': tag });
    expect(later.json()).toMatchObject({ total: 0, products: [] });
    expect((await get('')).json()).toMatchObject({ total: 1 });
  });

  it('compares whole windows: the current minute, not over yet, is in none', async () => {
    const at = nowMs;
    const times = (count: number, productid: number, ago: number) =>
      Array.from({ length: count }, () => ({ productid, at: at - ago * minuteMs }));
    await table.append([
      ...times(9, 1, 0),
      ...times(5, 2, 1),
      ...times(1, 2, 6),
      ...times(2, 3, 5),
      ...times(4, 3, 10),
      ...times(7, 4, 11),
    ]);
    const { json } = await open()('trending', 'last=5m');
    expect(json()).toMatchObject({
      total: 7,
      totalBefore: 5,
      from: new Date(at - 30_000 - 5 * minuteMs).toISOString(),
      to: new Date(at - 30_000).toISOString(),
      products: [
        { productid: 2, clicks: 5, before: 1, change: 4 },
        { productid: 3, clicks: 2, before: 4, change: -2 },
      ],
    });
  });

  it('tells what falls, and what changes most in percent, and compares with the same time of yesterday', async () => {
    const now = Math.floor(nowMs / hourMs) * hourMs + hourMs / 2;
    nowMs = now;
    const times = (count: number, productid: number, ago: number) =>
      Array.from({ length: count }, () => ({ productid, at: now - ago * hourMs }));
    await table.append([
      ...[...times(90, 1, 1), ...times(60, 1, 2), ...times(100, 1, 25)],
      ...[...times(3, 2, 1), ...times(1, 2, 2)],
      ...[...times(5, 3, 2), ...times(2, 3, 25)],
      ...[...times(4, 4, 1), ...times(9, 4, 0)],
    ]);
    const get = open();
    const told = async (query: string) =>
      (await get('trending', query))
        .json()
        .products.map((one: { productid: number; percent?: number }) => [one.productid, one.percent]);
    const asMinutes = 'compare=yesterday&last=60m';
    expect(await told(`${asMinutes}&sort=-change`)).toEqual(
      [[4], [2], [3], [1]].map(([id]) => [id, undefined]),
    );
    expect(await told(`${asMinutes}&sort=change`)).toEqual(
      [[1], [3], [2], [4]].map(([id]) => [id, undefined]),
    );
    expect(await told(`${asMinutes}&sort=percent`)).toEqual([
      [3, -100],
      [1, -10],
    ]);
    const { json } = await get('trending', 'compare=yesterday&sort=-percent&top=1');
    const iso = (ago: number) => new Date(now - hourMs / 2 - ago * hourMs).toISOString();
    expect(json()).toMatchObject({
      ...{ from: iso(1), to: iso(0), beforeFrom: iso(25), beforeTo: iso(24), total: 97, totalBefore: 102 },
      products: [{ productid: 1, clicks: 90, before: 100, change: -10, percent: -10 }],
    });
    const csv = await get('trending', 'compare=yesterday&sort=-percent&top=1', { accept: 'text/csv' });
    expect(csv.body).toBe('productid,name,category,clicks,before,change,percent\r\n1,,2,90,100,-10,-10\r\n');
    const plain = (await get('trending', 'last=2h')).json();
    expect(Object.keys(plain)).toEqual([
      'version',
      'asOf',
      'from',
      'to',
      'source',
      'total',
      'totalBefore',
      'products',
    ]);
    expect((await get('trending', 'compare=before&last=2h')).json()).toMatchObject({
      ...plain,
      beforeTo: iso(2),
    });
    for (const query of [
      'sort=up',
      'compare=lastYear',
      'compare=yesterday&last=2d',
      'compare=yesterday&last=25h',
    ])
      expect((await get('trending', query)).status).toBe(400);
  });

  it('finds products by a part of their name or id, in capitals or not', async () => {
    await store.put('products.csv', Buffer.from('17,Desk Lamp\n2,LAMPSHADE\n3,Äpfel\n'));
    await table.click(17, 17, 2, 3, 170, 5, 5, 5);
    const get = open({ maxKeys: 4 });
    const found = async (search: string, more = '') => {
      const { total, products, other } = (
        await get('', `search=${encodeURIComponent(search)}${more}`)
      ).json();
      return [total, products.map(({ productid }: { productid: number }) => productid), other?.clicks];
    };
    expect(await found('lamp')).toEqual([3, [17, 2], 1]);
    expect(await found('17')).toEqual([2, [17], 1]);
    expect(await found('äPF')).toEqual([1, [3], 1]);
    expect(await found('lamp', '&top=1&last=5m')).toEqual([3, [17], 1]);
    expect(await found('lamp', '&category=3')).toEqual([1, [2], 1]);
    expect(await found('.*')).toEqual([0, [], 1]);
    const csv = await get('', 'search=LAMP', { accept: 'text/csv' });
    expect(csv.body).toBe('productid,name,category,clicks\r\n17,Desk Lamp,8,2\r\n2,LAMPSHADE,3,1\r\n');
    for (const query of ['search=', `search=${'x'.repeat(101)}`])
      expect((await get('', query)).json()).toMatchObject({
        ...{ status: 400, parameter: 'search', accepts: '1 to 100 characters' },
      });
    expect((await get('categories', 'search=lamp')).status).toBe(400);
  });

  it('answers with bodies of the version in its ETag, even after requests for other views', async () => {
    await table.click(1);
    const get = open();
    const one = await get('');
    await table.click(1, 2);
    const two = await get('');
    const csv = await get('', '', { accept: 'text/csv' });
    const top = await get('', 'top=1');
    expect([one.json().total, two.json().total, top.json().products.length]).toEqual([1, 3, 1]);
    expect(csv.body).toContain('1,,2,2\r\n2,,3,1\r\n');
    expect(new Set([one, two, csv].map(({ headers }) => headers.ETag)).size).toBe(3);
  });

  it.each([
    ['at the begin of a day', 0],
    ['in the middle of one', 13 * 3_600_000 + 30_000],
    ['at the end of one', 86_400_000 - 1],
  ])('shows every bucket of the history whole but the current one, %s', async (_when, ofDay) => {
    nowMs = Math.floor(nowMs / 86_400_000) * 86_400_000 + ofDay;
    store = new MemoryStore('memory', () => nowMs);
    table = await new ClicksTable(store).create();
    const clicks = Array.from({ length: 9 * 1440 }, (_, ago) => ({
      productid: 1,
      at: nowMs - ago * minuteMs,
    }));
    await table.append(clicks);
    const get = open();
    for (const bucket of [1, 7, 59, 60, 420, 601, 1380, 1439, 1440])
      for (const last of [bucket, 1440, 1441, 4320, 10_079, 10_080].filter((one) => one >= bucket)) {
        const { from, to, total, buckets } = (
          await get('history', `bucket=${bucket}m&last=${last}m`)
        ).json() as { from: string; to: string; total: number; buckets: { clicks: number }[] };
        const counts = buckets.map((one) => one.clicks);
        const current = (Math.floor(nowMs / minuteMs) % bucket) + 1;
        const length = Math.ceil(last / bucket);
        expect([bucket, last, ...counts]).toEqual([bucket, last, ...Array(length - 1).fill(bucket), current]);
        expect(Date.parse(to) - Date.parse(from)).toBe(length * bucket * minuteMs);
        expect(total).toBe((length - 1) * bucket + current);
      }
  });

  it('uses the last names while the names cannot be read, and logs the failure once', async () => {
    await table.click(1);
    const read = store.get.bind(store);
    const refuse: typeof read = async (path) => {
      if (path === 'products.csv') throw new TributaryError('storage.refused', 'No such right.');
      return read(path);
    };
    store.get = refuse;
    const get = open();
    expect((await get('1')).json()).toMatchObject({ clicks: 1 });
    expect((await get('1')).status).toBe(200);
    expect(errors).toHaveLength(1);
    store.get = read;
    await store.put('products.csv', Buffer.from('1,Lamp'));
    nowMs += 30_000;
    expect((await get('1')).json()).toMatchObject({ name: 'Lamp' });
    store.get = refuse;
    for (let round = 0; round < 3; round++) {
      nowMs += 30_000;
      await table.click(1);
      expect((await get('1')).json()).toMatchObject({ name: 'Lamp', clicks: 2 + round });
    }
    expect(errors.map(String)).toEqual(Array(2).fill(expect.stringContaining('No such right.')));
  });

  it('does not wait for the names to say that the lake is away', async () => {
    const { promise: silence, resolve: end } = Promise.withResolvers<undefined>();
    store.get = async (path) => {
      if (path === 'products.csv') return silence;
      throw new TributaryError('storage.unavailable', 'The lake is away.');
    };
    expect((await open()('')).status).toBe(503);
    end(undefined);
  });

  it('gives another ETag when the names change', async () => {
    await table.click(1);
    const get = open();
    const before = await get('1');
    await store.put('products.csv', Buffer.from('1,Lamp'));
    nowMs += 30_000;
    const after = await get('1', '', { 'if-none-match': before.headers.ETag ?? '' });
    expect(after.status).toBe(200);
    expect(after.json()).toMatchObject({ productid: 1, name: 'Lamp', clicks: 1 });
  });
});

describe('more products than are counted on their own', () => {
  /** Products 1 and 2 are counted on their own. The others have 4 clicks, 2 of them in the last 5 minutes. */
  async function clickMany() {
    const click = (productid: number, ago: number, times: number) =>
      Array.from({ length: times }, () => ({ productid, at: nowMs - ago * minuteMs }));
    await table.append([
      ...click(1, 1, 5),
      ...click(2, 6, 3),
      ...click(3, 1, 1),
      ...click(4, 2, 1),
      ...click(5, 7, 2),
    ]);
  }

  it('are one count of their own, with the most that one of them can have', async () => {
    await clickMany();
    const get = open({ maxKeys: 2 });
    expect((await get('')).json()).toMatchObject({
      total: 12,
      products: [
        { productid: 1, clicks: 5 },
        { productid: 2, clicks: 3 },
      ],
      other: { clicks: 4, atMost: 2 },
    });
    expect((await get('', 'top=1')).json()).toMatchObject({ total: 12, other: { clicks: 4, atMost: 2 } });
    expect((await get('', 'last=5m')).json()).toMatchObject({
      total: 7,
      products: [{ productid: 1, clicks: 5 }],
      other: { clicks: 2, atMost: 2 },
    });
    expect((await get('', 'last=3h')).json()).toMatchObject({ total: 12, other: { clicks: 4, atMost: 2 } });
    expect((await get('', 'last=1m')).json()).toMatchObject({ total: 0, other: { clicks: 0, atMost: 0 } });
    expect((await get('history')).json()).toMatchObject({ total: 12 });
  });

  it('are part of no category, and the answers say so', async () => {
    await clickMany();
    const get = open({ maxKeys: 2 });
    expect((await get('categories')).json()).toMatchObject({
      total: 12,
      categories: [
        { category: 2, clicks: 5 },
        { category: 3, clicks: 3 },
      ],
      other: { clicks: 4, atMost: 2 },
    });
    expect((await get('', 'category=3')).json()).toMatchObject({ total: 3, other: { clicks: 4, atMost: 2 } });
    expect((await get('', 'category=4')).json()).toMatchObject({
      total: 0,
      products: [],
      other: { clicks: 4 },
    });
  });

  it('are compared as one by the trending products', async () => {
    await clickMany();
    expect((await open({ maxKeys: 2 })('trending', 'last=5m')).json()).toMatchObject({
      total: 7,
      totalBefore: 5,
      products: [
        { productid: 1, clicks: 5, before: 0 },
        { productid: 2, clicks: 0, before: 3 },
      ],
      other: { clicks: 2, before: 2, atMost: 2 },
    });
  });

  it('are a last row in CSV that is no product', async () => {
    await clickMany();
    const get = open({ maxKeys: 2 });
    const csv = async (path: string, query = '') => (await get(path, query, { accept: 'text/csv' })).body;
    expect(await csv('')).toBe('productid,name,category,clicks\r\n1,,2,5\r\n2,,3,3\r\n,other,,4\r\n');
    expect(await csv('', 'category=3')).toBe('productid,name,category,clicks\r\n2,,3,3\r\n');
    expect(await csv('categories')).toBe('category,clicks\r\n2,5\r\n3,3\r\nother,4\r\n');
    expect(await csv('trending', 'last=5m')).toContain('\r\n,other,,2,2,0\r\n');
  });

  it('have no answer of their own but the most clicks they can have', async () => {
    await clickMany();
    const get = open({ maxKeys: 2 });
    const folded = await get('5');
    expect([folded.status, folded.json().detail]).toEqual([
      404,
      'Product 5 is not counted on its own: it has at most 2 of the clicks in "other", or none.',
    ]);
    expect((await get('77')).json().detail).toBe('No click on product 77 has been counted.');
    expect((await get('2')).json()).toMatchObject({ productid: 2, clicks: 3 });
  });

  it('never keep a product from being counted that products.csv names', async () => {
    await store.put('products.csv', Buffer.from('4,Lamp'));
    await clickMany();
    expect((await open({ maxKeys: 2 })('')).json()).toMatchObject({
      products: [
        { productid: 1, clicks: 5 },
        { productid: 4, name: 'Lamp', clicks: 1 },
      ],
      other: { clicks: 6 },
    });
  });

  it('leave no word of others while there are none', async () => {
    await table.click(1, 2);
    const get = open({ maxKeys: 2 });
    for (const [path, query] of [
      ['', ''],
      ['', 'last=5m'],
      ['categories', ''],
      ['trending', ''],
      ['1', ''],
    ] as const)
      expect(Object.keys((await get(path, query)).json())).not.toContain('other');
  });

  it('are answered with the same bytes and ETags by instances that came there in different ways', async () => {
    await table.click(1, 2, 2);
    const incremental = open({ maxKeys: 2 });
    await incremental('');
    await clickMany();
    const saving = new Counts({ at: table.at, counted: countedClicks, maxKeys: 2, refreshMs: 0 });
    await saving.save();
    await table.click(6, 6, 1, 3);
    const cached = open({ maxKeys: 2 });
    const [path = ''] = ['clicks/_counts/state.json'];
    const bytes = (await store.get(path))?.bytes;
    await cached('');
    await store.delete(path);
    const fresh = open({ maxKeys: 2 });
    await fresh('');
    expect(bytes).toBeDefined();
    for (const view of ['', 'categories', 'trending', 'history', '1', '3'])
      for (const accept of ['application/json', 'text/csv'])
        for (const query of view === 'history' || view === 'trending' ? [''] : ['', 'last=5m', 'last=3h']) {
          const answers = [];
          for (const get of [incremental, cached, fresh]) {
            const { status, headers, body } = await get(view, query, { accept });
            answers.push({ status, headers, body });
          }
          expect(answers[1]).toEqual(answers[0]);
          expect(answers[2]).toEqual(answers[0]);
        }
  });

  it('have another ETag where an instance follows a decision alone', async () => {
    await clickMany();
    const putIfAbsent = store.putIfAbsent.bind(store);
    store.putIfAbsent = async () => {
      throw new TributaryError('storage.refused', 'No such right.');
    };
    const alone = await open({ maxKeys: 2 })('');
    store.putIfAbsent = putIfAbsent;
    expect(alone.json()).toMatchObject({ version: 1, other: { clicks: 4 } });
    expect(alone.headers.ETag).toMatch(/^"[0-9a-f-]{36}-1-[0-9a-f]{8}-[0-9a-f]{8}-json"$/);
  });
});
