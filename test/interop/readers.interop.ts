import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Value } from '../../src/lib/delta/schema';
import { tableFields } from '../../src/lib/lake/rowAddress';
import { checkpoint } from '../../src/lib/maintenance/checkpoint';
import { compact } from '../../src/lib/maintenance/compact';
import { clickstream } from '../../src/lib/streams/clickstream';
import { pythonOf } from '../kit/peer';
import { openSharedLake, type SharedLake } from './lake';
import { appendRows } from './ourTable';

/*
 * The Python blocks of docs/readers.md, as they stand there, against a table of ours. The first block says where the lake is, and is
 * replaced; each of the others counts the clicks per product.
 */

const document = readFileSync('docs/readers.md', 'utf8');
const [place = '', ...blocks] = [...document.matchAll(/^```python\n([\s\S]*?)^```$/gm)].map(
  ([, code = '']) => code,
);

let lake: SharedLake;
beforeAll(async () => {
  lake = await openSharedLake();
});
afterAll(() => lake?.close());

const clicks = 500;
/** Clicks on seven products, one a second until now. */
const row = (n: number): Value[] => {
  const at = BigInt(Date.now() - (clicks - n) * 1000) * 1000n;
  return [1 + (n % 7), n % 5 === 0 ? null : at, n % 40, n % 3, at, at, n % 4, n, 0, null];
};

/** A table as the app leaves it: many commits, a checkpoint, compacted files, and commits after that. */
async function writeClicks(): Promise<void> {
  const at = lake.at('clicks');
  const fields = tableFields(clickstream);
  const rows = Array.from({ length: clicks }, (_, n) => row(n));
  for (let from = 0; from < 400; from += 50) await appendRows(at, fields, rows.slice(from, from + 50));
  expect(await compact({ at })).toMatchObject({ outcome: 'done', bins: [{ outcome: 'committed' }] });
  expect(await checkpoint({ at })).toMatchObject({ outcome: 'written' });
  await appendRows(at, fields, rows.slice(400));
}

it('opens a table of ours with each of its blocks', async () => {
  await writeClicks();
  expect(place).toMatch(/^lake = .*\noptions = .*\n$/);
  expect(blocks.length).toBeGreaterThan(3);
  const variables = { lake: lake.uri('clicks').replace(/\/clicks$/, ''), options: lake.options };
  const args = ['test/interop/runBlocks.py', JSON.stringify(variables), JSON.stringify(blocks)];
  const { stdout } = await promisify(execFile)(pythonOf(), args);
  const counts = stdout.trim().split('\n');
  const expected = Array.from({ length: 7 }, (_, product) => [
    product + 1,
    Array.from({ length: clicks }, (_, n) => n % 7).filter((found) => found === product).length,
  ]);
  expect(counts.map((line) => JSON.parse(line))).toEqual(blocks.map(() => expected));
});
