import { beforeEach, describe, expect, it } from 'vitest';
import { latestApi } from '../../../src/lib/api/latestApi';
import { latestTerms } from '../../../src/lib/api/latestViews';
import { hourMs } from '../../../src/lib/duration';
import { LatestFold } from '../../../src/lib/latest/latest';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import { columns, latest, PricesTable } from '../latest/pricesTable';
import { askDocumented } from './askDocumented';

const hostile = '=1+1';
/** In the middle of an hour. */
const nowMs = Math.floor(Date.now() / hourMs) * hourMs + hourMs / 2;
const iso = (ms: number) => new Date(ms).toISOString();

let table: PricesTable;
let errors: unknown[];
let get: (
  path: string,
  query?: string,
  accept?: string,
  tag?: string,
) => Promise<{ status: number; body: string; tag: string }>;
beforeEach(async () => {
  table = await new PricesTable(new MemoryStore()).create();
  errors = [];
  const api = latestApi({
    fold: new LatestFold({ at: table.at, latest, refreshMs: 0 }),
    terms: latestTerms({ latest, columns }),
    now: () => nowMs,
    logError: (error) => errors.push(error),
  });
  get = async (path, query = '', accept = 'application/json', tag = '') => {
    const [key = '', view] = path.split('/');
    const documented = `/latest/{stream}${key && '/{key}'}${view ? '/history' : ''}`;
    const sent = { accept, ...(tag && { 'if-none-match': tag }) };
    const { status, body, headers } = await askDocumented(api, documented, { path, query, headers: sent });
    return { status, body, tag: headers.ETag ?? '' };
  };
});

const json = async (path: string, query = '') => JSON.parse((await get(path, query)).body);

const fill = () =>
  table.append([
    { id: 'b', at: nowMs, price: 2, name: hostile },
    { id: 'a/b', at: nowMs - 1000, price: 7, name: 'Ä' },
    { id: 'a/b', at: nowMs - 2 * hourMs, price: 6 },
    { id: 'a/b', at: nowMs - 2 * hourMs - 1000, price: 5 },
    { id: 'a/b', at: nowMs - 40 * 24 * hourMs, price: 1 },
    { id: '10', at: nowMs - 30 * 24 * hourMs, price: null },
  ]);

describe('GET /api/latest/{stream}', () => {
  it('tells the newest row of each key, in the order of the first column, and as of when', async () => {
    expect(await json('')).toMatchObject({ version: 0, complete: true, rows: [] });
    await fill();
    expect(await json('')).toMatchObject({
      version: 1,
      asOf: expect.stringMatching(/Z$/),
      complete: true,
      rows: [
        { id: 'b', price: 2, name: hostile, at: iso(nowMs) },
        { id: 'a/b', price: 7, name: 'Ä', at: iso(nowMs - 1000) },
        { id: '10', price: null, name: null, at: iso(nowMs - 30 * 24 * hourMs) },
      ],
    });
    expect(await json('10')).toMatchObject({ version: 1, row: { id: '10', price: null } });
    expect(await json(encodeURIComponent('a/b'))).toMatchObject({ row: { id: 'a/b', price: 7 } });
  });

  it.each([
    ['sort=-price', ['a/b', 'b', '10']],
    ['sort=price&top=1', ['b']],
    ['sort=id', ['10', 'a/b', 'b']],
    ['sort=-id', ['b', 'a/b', '10']],
    ['sort=at', ['10', 'a/b', 'b']],
    ['sort=-at&top=2', ['b', 'a/b']],
    ['sort=name', ['b', 'a/b', '10']],
  ])('sorts by any column, with nulls last: %s', async (query, ids) => {
    await fill();
    expect((await json('', query)).rows.map(({ id }: { id: string }) => id)).toEqual(ids);
  });

  it.each([
    ['', 'sort=enqueued_at', 'sort', 'id, price'],
    ['', 'top=0', 'top', 'whole number'],
    ['', 'last=1h', 'last', 'sort, top'],
    ['b', 'top=1', 'top', 'no parameters'],
    ['b/history', 'last=9d', 'last', 'to 8d, or to 31d with bucket=1d'],
    ['b/history', 'bucket=30m', 'bucket', 'whole hours'],
    ['b/history', 'bucket=1d&last=32d', 'last', '1d (one bucket) to 31d'],
  ])('refuses %s?%s, and says what is accepted', async (path, query, parameter, accepts) => {
    const { status, body } = await get(path, query);
    expect([status, JSON.parse(body)]).toEqual([
      400,
      expect.objectContaining({ parameter, accepts: expect.stringContaining(accepts) }),
    ]);
  });

  it('answers 404 for a key or a view that is not there', async () => {
    await fill();
    expect(await json('c')).toMatchObject({ status: 404, parameter: 'id', detail: 'There is no row "c".' });
    expect(await json('c/history')).toMatchObject({ status: 404 });
    expect(await json('b/trend')).toMatchObject({ status: 404, parameter: 'view', accepts: 'history' });
  });

  it('tells the newest values of each hour, or of longer buckets', async () => {
    await fill();
    const path = `${encodeURIComponent('a/b')}/history`;
    const hour = Math.floor(nowMs / hourMs) * hourMs;
    expect(await json(path)).toMatchObject({
      bucket: '1h',
      from: iso(hour - 23 * hourMs),
      to: iso(hour + hourMs),
      complete: true,
      buckets: [
        { from: iso(hour - 2 * hourMs), price: 6, at: iso(nowMs - 2 * hourMs) },
        { from: iso(hour), price: 7, at: iso(nowMs - 1000) },
      ],
    });
    const days = await json(path, 'bucket=1d&last=31d');
    expect(days.buckets.at(-1)).toMatchObject({ price: 7 });
    expect(days.from).toBe(iso(Math.floor(nowMs / (24 * hourMs)) * 24 * hourMs - 30 * 24 * hourMs));
    expect((await json('10/history', 'bucket=1d&last=31d')).buckets).toMatchObject([{ price: null }]);
  });

  it('answers CSV without a cell that a spreadsheet runs', async () => {
    await fill();
    expect((await get('', 'top=2', 'text/csv')).body).toBe(
      `id,price,name,at\r\nb,2,'${hostile},${iso(nowMs)}\r\na/b,7,Ä,${iso(nowMs - 1000)}\r\n`,
    );
    expect((await get('b/history', '', 'text/csv')).body).toMatch(/^from,price,at\r\n2.*,2,2.*\r\n$/);
    expect((await get('b', '', 'text/csv')).body).toMatch(/^id,price,name,at\r\nb,/);
  });

  it('answers 304 until something is committed, and another tag after storage went back', async () => {
    await fill();
    const { tag } = await get('');
    expect((await get('', '', 'application/json', tag)).status).toBe(304);
    await table.goBackTo(0);
    await table.append([{ id: 'b', at: nowMs, price: 3 }]);
    const other = await get('', '', 'application/json', tag);
    expect([other.status, JSON.parse(other.body).rows]).toMatchObject([200, [{ id: 'b', price: 3 }]]);
  });

  it('says when the lake cannot be read', async () => {
    table.at.store.get = async () => {
      throw new Error('The store is away.');
    };
    expect(await json('')).toMatchObject({ status: 500 });
    expect(errors).toHaveLength(1);
  });
});
