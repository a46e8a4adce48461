import { afterAll, beforeAll, expect, it } from 'vitest';
import { deadLettersTable } from '../../src/lib/lake/deadLetters';
import { clickstream } from '../../src/lib/streams/clickstream';
import { problemsOf } from '../../src/lib/verify/partitionAudit';
import { recordErased } from '../../src/lib/verify/recordErased';
import { verifyStream } from '../../src/lib/verify/verifyStream';
import { StreamTables } from '../lib/verify/streamTables';
import { openSharedLake, type SharedLake } from './lake';

let lake: SharedLake;

beforeAll(async () => {
  lake = await openSharedLake();
});

afterAll(() => lake?.close());

it("a person's rows that delta-rs deletes, as docs/operations.md tells, are missed by nobody", async () => {
  const { store } = lake.at(clickstream.table);
  const tables = new StreamTables(store);
  // Session n + 1 is in the event n, see StreamTables.
  for (const first of [0, 3])
    await tables.commit(
      [0, 1, 2].map((n) => [0, first + n]),
      [[0, first + 2]],
    );
  const uri = lake.uri(clickstream.table);
  await expect(lake.peer.call('delete', { uri, predicate: 'sessionid = 4' })).rejects.toThrow(/append/i);

  await lake.peer.call('set_properties', { uri, properties: { 'delta.appendOnly': 'false' } });
  await lake.peer.call('delete', { uri, predicate: 'sessionid = 4' });
  await lake.peer.call('set_properties', { uri, properties: { 'delta.appendOnly': 'true' } });

  const problems = async () =>
    ((await verifyStream({ store, stream: clickstream }))?.partitions ?? []).flatMap(problemsOf);
  expect(await problems()).toEqual(['1 event missing']);
  const letters = lake.at(deadLettersTable);
  const erased = await recordErased({ stream: clickstream, rows: lake.at(clickstream.table), letters });
  expect(erased).toEqual({ deletions: 1, erased: 1, unreadable: [] });
  expect(await problems()).toEqual([]);
  await tables.commit([[0, 6]], [[0, 6]]);
  expect(await problems()).toEqual([]);
});
