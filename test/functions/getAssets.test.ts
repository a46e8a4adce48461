import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ObjectStore } from '../../src/lib/storage/objectStore';
import { writeAssets } from '../kit/writeAssets';
import { ClicksApp } from './clicksApp';
import { ContractClient } from './contractClient';

/*
 * What the compiled app answers of the assets of CoinCap, and that it keeps to docs/openapi.yaml. This file goes with the stream, as
 * docs/add-a-stream.md says.
 */

const app = new ClicksApp();
const client = new ContractClient(app);
const { json } = client;
const get: ContractClient['get'] = (path, headers) => client.get(path, headers);
let store: ObjectStore;

beforeAll(async () => {
  store = await app.start();
}, 120_000);
afterAll(() => app.stop(), 60_000);

it('GET /api/assets and GET /api/latest/coincap tell the newest price of each asset, and its history', async () => {
  expect(await json('/assets')).toEqual({ version: -1, asOf: null, complete: true, assets: [] });
  const nowMs = Date.now();
  await writeAssets(store, [
    { id: 'ether', asset_rank: '2', priceUsd: '10.5', runtime_timestamp: nowMs },
    { id: 'bitcoin', asset_rank: '1', priceUsd: '99', runtime_timestamp: nowMs - 3_600_000 },
    {
      id: 'bitcoin',
      asset_rank: '1',
      priceUsd: '100.25',
      changePercent24Hr: '-1.5',
      runtime_timestamp: nowMs,
    },
  ]);
  const bitcoin = {
    id: 'bitcoin',
    asset_rank: 1,
    symbol: null,
    asset_name: null,
    priceUsd: 100.25,
    changePercent24Hr: -1.5,
    marketCapUsd: null,
    volumeUsd24Hr: null,
    runtime_timestamp: new Date(nowMs).toISOString(),
  };
  const all = await json('/assets');
  expect(all).toMatchObject({
    version: 1,
    complete: true,
    assets: [bitcoin, { id: 'ether', priceUsd: 10.5 }],
  });
  expect(await json('/assets?sort=-priceUsd&top=1')).toMatchObject({ assets: [bitcoin] });
  expect(await json('/assets/bitcoin')).toEqual({ version: 1, asOf: all.asOf, asset: bitcoin });
  const { buckets } = await json('/assets/bitcoin/history?last=3h');
  expect(buckets.map(({ priceUsd }: { priceUsd: number }) => priceUsd)).toEqual([99, 100.25]);
  const { assets, ...more } = all;
  expect(await json('/latest/coincap')).toEqual({ ...more, rows: assets });
  expect(await json('/latest/coincap/bitcoin')).toMatchObject({ row: bitcoin });
  expect(await json('/latest/coincap/bitcoin/history?last=3h')).toMatchObject({ buckets });
  for (const path of ['/assets', '/assets/ether', '/assets/ether/history', '/latest/coincap'])
    expect((await get(path, { Accept: 'text/csv' })).headers.get('content-type')).toMatch(/^text\/csv/);
  for (const path of ['/assets/doge', '/assets/doge/history', '/latest/coincap/doge', '/assets/ether/trend'])
    expect((await get(path)).status).toBe(404);
  for (const path of ['/latest/clickstream', '/latest/none/x', '/latest/none/x/history'])
    expect(await json(path)).toMatchObject({
      status: 404,
      parameter: 'stream',
      accepts: 'coincap',
      detail: expect.stringMatching(/: expected coincap\.$/),
    });
  expect(await json('/latest')).toMatchObject({
    status: 404,
    parameter: 'stream',
    accepts: 'coincap',
    detail: expect.stringContaining('The path names no stream whose newest rows are told: expected'),
  });
  expect(await json('/assets?sort=rank')).toMatchObject({ status: 400, parameter: 'sort' });
  expect(await json('/assets?top=1&top=1')).toMatchObject({
    status: 400,
    parameter: 'top',
    accepts: expect.stringContaining('one value'),
  });
});

it('they have been held to everything in the contract that they can be made to answer', () => {
  expect(client.unanswered(/^\/(assets|latest)/)).toEqual([]);
});
