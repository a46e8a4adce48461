import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ObjectStore } from '../../src/lib/storage/objectStore';
import { ClicksTable } from '../lib/counts/clicksTable';
import { ClicksApp } from './clicksApp';
import { ContractClient } from './contractClient';
import { type Answer, deviations } from './openapiContract';

/*
 * The compiled app in a real host, over storage with a table of known clicks: what it answers, and that it keeps to
 * docs/openapi.yaml.
 */

const app = new ClicksApp();
let table: ClicksTable;
let store: ObjectStore;
const client = new ContractClient(app);
const { json } = client;
const get: ContractClient['get'] = (path, headers) => client.get(path, headers);

beforeAll(async () => {
  store = await app.start();
  table = new ClicksTable(store);
}, 120_000);
afterAll(() => app.stop(), 60_000);

describe('GET /api/clicks', () => {
  it('answers before there is a table', async () => {
    expect(await json('/clicks')).toEqual({ version: -1, asOf: null, total: 0, products: [] });
    expect(await json('/clicks/categories')).toMatchObject({ version: -1, categories: [] });
    expect(await json('/clicks/history')).toMatchObject({ version: -1, total: 0 });
    expect(await json('/clicks/trending')).toMatchObject({ version: -1, products: [] });
    await get('/clicks/7');
  });

  it('counts every click per product, most clicked first', async () => {
    const now = Date.now();
    await table.create();
    await table.append([
      { productid: 7, at: now },
      { productid: 7, at: now - 60_000 },
      { productid: 7, at: now - 60_000 * 40 },
      { productid: 3, at: now - 60_000 * 1.5 },
      { productid: 11, at: now - 86_400_000 * 30 },
      { productid: 12, category: null, at: now },
    ]);
    expect(await json('/clicks')).toEqual({
      version: 1,
      asOf: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      total: 6,
      products: [
        { productid: 7, category: 8, clicks: 3 },
        { productid: 3, category: 4, clicks: 1 },
        { productid: 11, category: 2, clicks: 1 },
        { productid: 12, category: null, clicks: 1 },
      ],
    });
    const two = await json('/clicks?top=2');
    expect(two).toMatchObject({ total: 6, products: [{ productid: 7 }, { productid: 3 }] });
    expect(await json('/clicks?category=4')).toMatchObject({ total: 1, products: [{ productid: 3 }] });
    expect(await json('/clicks?category=99')).toMatchObject({ total: 0, products: [] });
    expect(await json('/clicks/7')).toMatchObject({ productid: 7, category: 8, clicks: 3 });
    expect((await json('/clicks/categories')).categories[0]).toEqual({ category: 8, clicks: 3 });
  });

  it('counts by the time of enqueuing', async () => {
    expect(await json('/clicks?last=15m')).toMatchObject({
      total: 4,
      products: [{ productid: 7, clicks: 2 }, {}, {}],
    });
    expect(await json('/clicks?last=1h')).toMatchObject({ total: 5 });
    const since = new Date(Date.now() - 15 * 60_000).toISOString();
    expect(await json(`/clicks?since=${since}`)).toMatchObject({ total: 4 });
    expect(await json('/clicks?last=48h')).toMatchObject({ total: 5 });
    expect(await json('/clicks/11?last=15m')).toMatchObject({ productid: 11, clicks: 0 });
    const { buckets, total } = await json('/clicks/history?bucket=5m&last=1h');
    expect(total).toBe(5);
    expect(buckets).toHaveLength(12);
    expect(buckets.reduce((sum: number, { clicks }: { clicks: number }) => sum + clicks, 0)).toBe(5);
    expect(await json('/clicks/history?bucket=1d&last=7d')).toMatchObject({ total: 5 });
    const { products } = await json('/clicks/trending?last=30m');
    expect(products[0]).toEqual({ productid: 3, category: 4, clicks: 1, before: 0, change: 1 });
  });

  it('answers 304 to the current ETag until something is committed', async () => {
    for (const path of ['/clicks', '/clicks/7', '/clicks/categories', '/dashboard']) {
      const { headers } = await get(path);
      const tag = headers.get('etag') ?? '';
      expect(await get(path, { 'If-None-Match': `"other", W/${tag}` })).toMatchObject({
        status: 304,
        body: '',
      });
      expect(await get(path, { 'If-None-Match': '"other"' })).toMatchObject({ status: 200 });
    }
    const first = (await get('/clicks')).headers.get('etag') ?? '';
    await table.click(7);
    const second = await get('/clicks', { 'If-None-Match': first });
    expect(second.status).toBe(200);
    expect(second.headers.get('etag')).not.toBe(first);
  });

  it('keeps an ETag of a window for no longer than the minute it ends in', async () => {
    let tag = '';
    let minute = 0;
    do {
      minute = Math.floor(Date.now() / 60_000);
      tag = (await get('/clicks?last=15m')).headers.get('etag') ?? '';
    } while (minute !== Math.floor(Date.now() / 60_000));
    expect(tag).toContain(`-${minute}-`);
    expect((await get('/clicks')).headers.get('etag')).not.toContain(`-${minute}-`);
  });

  it('answers CSV to those who prefer it, with an ETag of its own', async () => {
    const csv = await get('/clicks', { Accept: 'text/csv' });
    expect(csv.headers.get('content-type')).toMatch(/^text\/csv/);
    expect(csv.body.split('\r\n').slice(0, 3)).toEqual([
      'productid,name,category,clicks',
      '7,,8,4',
      '3,,4,1',
    ]);
    expect(csv.headers.get('etag')).not.toBe((await get('/clicks')).headers.get('etag'));
    for (const path of ['/clicks/7', '/clicks/categories', '/clicks/history', '/clicks/trending'])
      expect((await get(path, { Accept: 'text/csv' })).headers.get('content-type')).toMatch(/^text\/csv/);
    for (const Accept of ['*/*', 'application/json, text/csv;q=0.9', 'image/png', 'text/csv;q=0'])
      expect((await get('/clicks', { Accept })).headers.get('content-type')).toBe('application/json');
  });

  it.each([
    ['/clicks?last=15', 'last', 'whole minutes'],
    ['/clicks?last=0m', 'last', 'whole minutes'],
    ['/clicks?top=0', 'top', 'a whole number from 1 to 1000000'],
    ['/clicks?top=all', 'top', 'a whole number'],
    ['/clicks?top=1e3', 'top', 'a whole number'],
    ['/clicks?category=red', 'category', 'a whole number'],
    ['/clicks?since=9999-01-01T00:00Z', 'since', 'a time from 1970-01-01T00:00:00.000Z up to 2'],
    ['/clicks?lsat=15m', 'lsat', 'last, top, category'],
    ['/clicks?category=4&category=5', 'category', 'one value'],
    ['/counts/clickstream?attribute=4&attribute=5', 'attribute', 'one value'],
    ['/clicks/7?top=3', 'top', 'the parameters last'],
    ['/clicks/history?bucket=30s', 'bucket', 'in whole minutes'],
    ['/clicks/history?bucket=2d', 'bucket', '1m to 1d'],
    ['/clicks/history?bucket=1h&last=30m', 'last', '1h (one bucket) to 50000'],
    ['/clicks/history?last=35d', 'last', '50000'],
    ['/clicks/trending?last=25h&compare=yesterday', 'last', '1m to 1d'],
    ['/clicks/lamp', 'productid', 'a whole number'],
    ['/clicks/%F0%9F%92%A1', 'productid', 'a whole number'],
  ])('answers 400 to %s, naming %s and what it accepts', async (path, parameter, accepts) => {
    const { status, body } = await get(path);
    expect(status).toBe(400);
    expect(JSON.parse(body)).toMatchObject({
      type: 'about:blank',
      parameter,
      accepts: expect.stringContaining(accepts),
    });
  });

  it.each([
    ['/clicks?last=50d', 7],
    ['/clicks?since=2020-01-01T00:00Z', 7],
    ['/clicks/history?last=9d&productid=7', 4],
    ['/counts/clickstream?last=50d', 7],
  ])('counts in the files what is not counted in advance: %s', async (path, total) => {
    expect(JSON.parse((await get(path)).body)).toMatchObject({ source: 'lake', total });
  });

  it('answers 404 for a product without clicks, and accepts a key in the URL', async () => {
    const { status, body } = await get('/clicks/4711?code=key');
    expect(status).toBe(404);
    expect(JSON.parse(body).detail).toContain('4711');
  });

  it('shows the names of products.csv as they are, in CSV as text that no spreadsheet runs', async () => {
    const hostile = '=HYPERLINK("http://x","<b>")';
    await store.put(
      'products.csv',
      Buffer.from(`productid,name\n7,"${hostile.replaceAll('"', '""')}"\n3,Lamp\n`),
    );
    // Names are looked for twice a minute; a new host looks at once.
    await app.startHost();
    expect((await json('/clicks?top=2')).products).toEqual([
      { productid: 7, name: hostile, category: 8, clicks: 4 },
      { productid: 3, name: 'Lamp', category: 4, clicks: 1 },
    ]);
    const csv = await get('/clicks?top=1', { Accept: 'text/csv' });
    expect(csv.body).toContain(`7,"'=HYPERLINK(""http://x"",""<b>"")",8,4`);
  });

  it.each([
    ['', '?last=1h', 'products', 'keys'],
    ['', '?top=1', 'products', 'keys'],
    ['/7', '', '', ''],
    ['/categories', '', 'categories', 'attributes'],
    ['/history', '?bucket=1h&last=7d', 'buckets', 'buckets'],
    ['/trending', '', 'products', 'keys'],
  ])('counts the stream by its name as it counts the clicks: %s%s', async (view, query, list, sameList) => {
    const counts = `/counts/clickstream${view.replace('categories', 'attributes')}`;
    const rename = (text: string) =>
      text
        .replaceAll('"productid":', '"key":')
        .replaceAll('"category":', '"attribute":')
        .replaceAll('"clicks":', '"count":')
        .replaceAll(`"${list}":`, `"${sameList}":`);
    const clicks = await get(`/clicks${view}${query}`);
    expect(await json(`${counts}${query}`)).toEqual(JSON.parse(rename(clicks.body)));
    expect((await get(counts, { Accept: 'text/csv' })).headers.get('content-type')).toMatch(/^text\/csv/);
  });

  it('counts by a dimension, and follows one key of it', async () => {
    expect(await json('/counts/clickstream?by=productid')).toEqual(await json('/counts/clickstream'));
    expect(await json('/counts/clickstream/history?key=3&last=2h')).toMatchObject({ total: 1 });
    expect(await json('/clicks/history?productid=3&last=2h')).toMatchObject({ total: 1 });
    expect((await get('/clicks/history?productid=4711')).status).toBe(404);
    for (const query of ['by=store', 'by=productid&by=productid', 'by='])
      expect(await json(`/counts/clickstream?${query}`)).toMatchObject({
        status: 400,
        parameter: 'by',
        accepts: 'one of productid',
      });
  });

  it('filters a stream by its attribute, and refuses what there is not', async () => {
    expect(await json('/counts/clickstream?attribute=4')).toMatchObject({ total: 1, keys: [{ key: 3 }] });
    expect(await json('/counts/clickstream?attribute=red')).toMatchObject({ total: 0, keys: [] });
    expect((await get('/counts/clickstream?category=4')).status).toBe(400);
    expect(await json('/counts/clickstream/lamp')).toMatchObject({ status: 404, parameter: 'key' });
    for (const view of ['', '/attributes', '/history', '/trending', '/7'])
      expect(await json(`/counts/nothing${view}`)).toMatchObject({
        status: 404,
        parameter: 'stream',
        accepts: expect.stringContaining('clickstream'),
        detail: expect.stringMatching(
          /^There is no stream "nothing" whose rows are counted: expected .*clickstream/,
        ),
      });
  });

  it.each(['/counts', '/counts/'])(
    'says which streams are counted where the path ends before one: %s',
    async (path) => {
      expect(await json(path)).toMatchObject({
        status: 404,
        parameter: 'stream',
        accepts: expect.stringContaining('clickstream'),
        detail: expect.stringContaining('The path names no stream whose rows are counted: expected'),
      });
    },
  );

  it('has a contract that real answers which deviate would break', async () => {
    const good = await get('/clicks');
    const body = JSON.parse(good.body);
    const variants: [string, Partial<Answer>][] = [
      ['an undocumented member', { body: JSON.stringify({ ...body, extra: 1 }) }],
      ['no total', { body: JSON.stringify({ ...body, total: undefined }) }],
      ['a count that is a text', { body: good.body.replace('"clicks":4', '"clicks":"4"') }],
      ['a member more in a product', { body: good.body.replace('"clicks":4', '"clicks":4,"price":1') }],
      ['a time that is none', { body: JSON.stringify({ ...body, asOf: 'now' }) }],
      ['an undocumented status', { status: 418 }],
      ['a wrong content type', { headers: new Headers([...good.headers, ['content-type', 'text/html']]) }],
      ['no ETag', { headers: new Headers([...good.headers].filter(([name]) => name !== 'etag')) }],
    ];
    for (const [what, change] of variants)
      expect(deviations('/clicks', { ...good, ...change }), what).not.toEqual([]);
    expect(deviations('/clicks', good)).toEqual([]);
  });

  it('answers 503 while the lake is away, and recovers when it is back', { timeout: 90_000 }, async () => {
    expect(await json('/health')).toMatchObject({
      status: 'ok',
      streams: expect.arrayContaining([expect.objectContaining({ table: 'clicks', status: 'ok' })]),
    });
    await app.stopStorage();
    const { status, headers } = await get('/clicks');
    expect(status).toBe(503);
    expect(headers.get('retry-after')).toBe('5');
    // Whether batches go through cannot be known then.
    await expect
      .poll(() => json('/health'), { timeout: 30_000 })
      .toMatchObject({ status: 'degraded', error: 'storage.unavailable', streams: [] });
    await app.startStorage();
    expect((await json('/clicks')).total).toBe(7);
  });

  it('has been held to everything in the contract that it can be made to answer', () => {
    // The others have tests of their own.
    expect(client.unanswered(/^\/(clicks|counts|dashboard|health)/)).toEqual([]);
  });
});

describe('docs/openapi.yaml', () => {
  it('requires a key everywhere except for the page and the health', () => {
    const text = readFileSync('docs/openapi.yaml', 'utf8');
    expect(text.match(/^ {6}security: \[\]$/gm)).toHaveLength(2);
  });
});
