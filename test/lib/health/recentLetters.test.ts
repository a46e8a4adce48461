import { expect, it } from 'vitest';
import type { Value } from '../../../src/lib/delta/schema';
import { TableAppender } from '../../../src/lib/delta/tableAppender';
import { lettersSince } from '../../../src/lib/health/recentLetters';
import { deadLettersTable, letterFields } from '../../../src/lib/lake/deadLetters';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';

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
  expect(await lettersSince(at, since)).toEqual(new Map());
  await write(['clickstream', -1], ['clickstream', 0], ['coincap', 5]);
  await write(['clickstream', -9000], ['clickstream', -1]);
  await write(['clickstream', 7]);
  expect(await lettersSince(at, since)).toEqual(
    new Map([
      ['clickstream', 2],
      ['coincap', 1],
    ]),
  );
});
