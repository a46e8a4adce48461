import { beforeEach, expect, it } from 'vitest';
import { cachedStatePath } from '../../../src/lib/counts/cachedState';
import { Counts } from '../../../src/lib/counts/counts';
import { type Dimension, dimensionsOf } from '../../../src/lib/counts/dimension';
import { openState } from '../../../src/lib/delta/openTable';
import { PricesTable } from '../latest/pricesTable';
import { counted, FaultyStore } from './countsStand';

const declared = { key: 'id', attribute: 'name', dimensions: ['name', 'price'] };
const [byId, byName, byPrice] = dimensionsOf(declared) as [Dimension, Dimension, Dimension];

let store: FaultyStore;
let table: PricesTable;
beforeEach(async () => {
  store = new FaultyStore();
  table = await new PricesTable(store).create();
  await table.append([
    { id: 'a', at: Date.now(), name: 'north', price: 1 },
    { id: 'a', at: Date.now(), name: 'south', price: 1.5 },
    { id: 'b', at: Date.now(), name: 'north' },
    { id: null, at: Date.now(), name: 'north' },
    { id: 'c', at: Date.now() },
  ]);
});

const open = (dimension: Dimension, maxKeys = 100) =>
  new Counts({ at: table.at, counted: dimension, refreshMs: 0, maxKeys });

const expected = [
  { version: 1, total: 4, clicks: { a: 2, b: 1, c: 1 } },
  { version: 1, total: 4, clicks: { north: 3, south: 1 } },
  { version: 1, total: 2, clicks: { 1: 1, 1.5: 1 } },
];

it('counts the rows by each dimension for itself, also those that lack another one', async () => {
  const found = await Promise.all([byId, byName, byPrice].map((each) => counted(open(each))));
  expect(found).toEqual(expected);
});

it('keeps the state of each dimension in a place of its own, and begins from it', async () => {
  for (const each of [byId, byName, byPrice]) expect(await open(each).save()).toBe('saved');
  const paths = [byId, byName, byPrice].map((each) => cachedStatePath('prices', each));
  expect(paths).toEqual([
    'prices/_counts/state.json',
    'prices/_counts/by/name/state.json',
    'prices/_counts/by/price/state.json',
  ]);
  store.reads = [];
  const found = await Promise.all([byId, byName, byPrice].map((each) => counted(open(each))));
  expect(found).toEqual(expected);
  expect(store.dataFiles()).toEqual([]);
});

it('does not go on with counts by another column or attribute after a change of the declaration', async () => {
  await open(byId).save();
  expect(await counted(open({ key: 'name', attribute: 'id' }))).toEqual(expected[1]);
  const { tally } = await open({ key: 'id', attribute: 'price' }).current();
  expect(tally.attributes).toEqual([1.5, null, null]);
});

it('decides for each dimension which of its keys are kept, and not by a decision about another column', async () => {
  expect(await counted(open(byName, 1))).toMatchObject({ total: 4, clicks: { north: 3 } });
  expect(await counted(open(byId))).toMatchObject({ clicks: { a: 2, b: 1, c: 1 } });
  expect(await counted(open(byId, 2))).toMatchObject({ total: 4, clicks: { a: 2, b: 1 } });
  const { txns } = (await openState(table.at)) ?? {};
  expect([...(txns?.keys() ?? [])].sort()).toEqual(['counts/kept', 'counts/kept/name']);
  // The stream's file now names another column in the same place.
  expect(await counted(open({ key: 'name' }, 2))).toMatchObject({ clicks: { north: 3, south: 1 } });
});
