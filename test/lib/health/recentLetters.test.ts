import { expect, it } from 'vitest';
import { openSnapshot } from '../../../src/lib/delta/openTable';
import type { Value } from '../../../src/lib/delta/schema';
import { TableAppender } from '../../../src/lib/delta/tableAppender';
import { lettersSince } from '../../../src/lib/health/recentLetters';
import { deadLettersTable, letterFields } from '../../../src/lib/lake/deadLetters';
import { checkpoint } from '../../../src/lib/maintenance/checkpoint';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import { countCalls } from '../../kit/countingStore';

const at = { store: new MemoryStore(), table: deadLettersTable };
const since = Date.UTC(2026, 0, 1);

/** A file with a letter for each stream and time, in milliseconds after `since`. */
async function write(...letters: readonly (readonly [stream: string, afterMs: number])[]): Promise<void> {
  const rows = letters.map(([stream, afterMs], n): Value[] => {
    const receivedAt = (since + afterMs) * 1000;
    return [stream, 0, 0, n, 0, receivedAt, 'bad-json', 'detail', null, null, receivedAt];
  });
  const columns = letterFields.map((_, column) => rows.map((row) => row[column] ?? null));
  await new TableAppender({ at, fields: letterFields }).appendRows(columns, rows.length);
}

it('counts the letters of each stream since a time, that time included', async () => {
  expect(await lettersSince(await openSnapshot(at), since)).toEqual(new Map());
  await write(['clickstream', -1], ['clickstream', 0], ['coincap', 5]);
  await write(['clickstream', -9000], ['clickstream', -1]);
  await write(['clickstream', 7]);
  expect(await lettersSince(await openSnapshot(at), since)).toEqual(
    new Map([
      ['clickstream', 2],
      ['coincap', 1],
    ]),
  );
});

it('reads no file that has only letters of one stream since then', async () => {
  await write(['clickstream', 10_000], ['clickstream', 10_001]);
  await write(['coincap', 10_000]);
  await write(['clickstream', 10_000], ['coincap', 10_002]);
  const { store, counts } = countCalls(at.store);
  const requests = async (sinceMs: number) => {
    counts.clear();
    await lettersSince(await openSnapshot({ ...at, store }), sinceMs);
    return [...counts.values()].reduce((sum, count) => sum + count, 0);
  };
  const none = await requests(since + 20_000);
  const mixedOnly = await requests(since + 10_000);
  await write(['clickstream', 10_003], ['clickstream', 10_004]);
  await write(['coincap', 10_003]);
  expect(mixedOnly).toBeGreaterThan(none);
  // Each commit is one more log entry to read, and nothing else.
  expect((await requests(since + 10_000)) - mixedOnly).toBe(2);
  expect(await lettersSince(await openSnapshot(at), since + 10_000)).toEqual(
    new Map([
      ['clickstream', 5],
      ['coincap', 3],
    ]),
  );
});

it.each([31, 32, 40])('tells streams apart whose names of %i characters begin alike', async (length) => {
  const name = 's'.repeat(length - 1);
  await write([`${name}a`, 30_000], [`${name}b`, 30_000]);
  await write([`${name}a`, 30_000]);
  const found = await lettersSince(await openSnapshot(at), since + 30_000);
  expect([found.get(`${name}a`), found.get(`${name}b`)]).toEqual([2, 1]);
});

it('reads no such file either if a checkpoint lists it', async () => {
  await write(['clickstream', 50_000], ['clickstream', 50_001]);
  await checkpoint({ at });
  const { store, counts } = countCalls(at.store);
  const requests = async (sinceMs: number) => {
    counts.clear();
    const found = await lettersSince(await openSnapshot({ ...at, store }), sinceMs);
    return { found, requests: [...counts.values()].reduce((sum, count) => sum + count, 0) };
  };
  const none = await requests(since + 60_000);
  expect(await requests(since + 50_000)).toEqual({ ...none, found: new Map([['clickstream', 2]]) });
});
