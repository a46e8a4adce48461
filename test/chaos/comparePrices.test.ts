import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Azurite, startAzurite } from '../../local/azurite';
import { field } from '../../src/lib/delta/schema';
import { TableAppender } from '../../src/lib/delta/tableAppender';
import { seededRandom } from '../../src/lib/sources/seededRandom';
import { openAzureBlobStore } from '../../src/lib/storage/azureBlobStore';
import { findStream } from '../../src/lib/streams/loadStreams';
import { isRow } from '../../src/lib/streams/stream';
import { AssetMaker } from './assets';
import { comparePrices, priceText } from './comparePrices';

const fields = [
  field('id', 'string', false),
  field('priceUsd', 'double', true),
  field('runtime_timestamp', 'timestamp', false),
];

let azurite: Azurite;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-'));
  azurite = await startAzurite();
  const at = { store: await openAzureBlobStore(azurite, 'lake'), table: 'assets' };
  const appender = new TableAppender({ at, fields });
  const append = (prices: readonly (number | null)[], timeMs: number) =>
    appender.appendRows([['a', 'b'], prices, [timeMs * 1000, timeMs * 1000]], 2);
  await append([1, 2], 5000);
  await append([3, null], 7000);
  // Comes late: these prices are older than those before.
  await append([9, 9], 6000);
});
afterAll(async () => {
  await azurite.close();
  rmSync(folder, { recursive: true });
});

/** The version 0 has no row yet. */
const right = [
  { version: 1, a: priceText(1, 5000), b: priceText(2, 5000) },
  { version: 2, a: priceText(3, 7000), b: priceText(null, 7000) },
  { version: 3, a: priceText(3, 7000), b: priceText(null, 7000) },
];

const compare = (answers: readonly { version: number; a: string; b?: string }[]) =>
  comparePrices({
    ...{ storageConnection: azurite.connectionString, table: 'assets', folder },
    answers: answers.map(({ version, ...prices }) => ({
      ...{ host: 'one', version, prices: new Map(Object.entries(prices)) },
    })),
  });

it('finds no problem in answers with the newest prices of the versions that they name', async () => {
  expect(await compare([...right, ...right])).toEqual([]);
});

it.each([
  ['another price', { version: 2, a: priceText(3, 7000), b: priceText(0, 7000) }, 'b is 0 at 7000'],
  ['a late price', { version: 3, a: priceText(9, 6000), b: priceText(null, 7000) }, 'a is 9 at 6000'],
  ['the prices of another version', { ...right[0], version: 2, a: priceText(1, 5000) }, 'a is 1 at 5000'],
  ['an asset too few', { version: 1, a: priceText(1, 5000) }, 'b is missing'],
  ['a version that is not there', { version: 9, a: priceText(1, 5000) }, 'a is 1 at 5000'],
])('finds an answer with %s', async (_what, answer, expected) => {
  const problems = await compare([...right, answer]);
  expect(problems[0]).toBe('1 of 4 answers have other prices than the lake:');
  expect(problems[1]).toContain(`host one at version ${answer.version}: ${expected}, where DuckDB finds`);
});

it('is asked about assets that all are rows, none with the time of another event', async ({ skip }) => {
  const stream = await findStream('coincap');
  if (!stream) return skip('The project has no such stream.');
  const maker = new AssetMaker(seededRandom(1));
  const rows = Array.from({ length: 100 }, () => stream.decode(maker.make().body)).flat();
  expect(rows.every(isRow)).toBe(true);
  const time = stream.columns.findIndex(({ name }) => name === 'runtime_timestamp');
  const times = rows.filter(isRow).map((row) => Number(row[time]));
  expect(new Set(times).size).toBe(100);
  expect(times).not.toEqual(times.toSorted((a, b) => a - b));
});
