import { beforeEach, describe, expect, it } from 'vitest';
import { replayLetters } from '../../../src/lib/ingest/replayLetters';
import { deadLettersTable } from '../../../src/lib/lake/deadLetters';
import { checkpoint } from '../../../src/lib/maintenance/checkpoint';
import { clickstream } from '../../../src/lib/streams/clickstream';
import { partitionsOf, traceEvent } from '../../../src/lib/verify/traceEvent';
import { clickBody, createdOn, StreamTables } from './streamTables';

let tables: StreamTables;
beforeEach(async () => {
  tables = new StreamTables();
  // Versions 1 to 6; partition 1 moves in each, partition 0 in some.
  await tables.commit(
    [
      [0, 10],
      [0, 11],
      [1, 0],
    ],
    [
      [0, 11],
      [1, 0],
    ],
  );
  await tables.commit([[1, 1]], [[1, 1]]);
  await tables.addLetters([
    { partition: 0, sequenceNumber: 12 },
    { partition: 0, sequenceNumber: 14, reason: 'expired', body: '{"first":14,"last":16}' },
  ]);
  await tables.commit(
    [
      [0, 13],
      [1, 2],
    ],
    [
      [0, 13],
      [1, 2],
    ],
  );
  await tables.commit([[1, 3]], [[1, 3]]);
  await tables.commit(
    [
      [0, 17, 0],
      [0, 17, 1],
      [0, 19],
    ],
    [[0, 19]],
  );
});

const trace = async (partition: number, sequenceNumber: number) =>
  traceEvent({ store: tables.store, stream: clickstream, partition, sequenceNumber });

describe('traceEvent', () => {
  it('tells the row, its file and its commit, among any other commits', async () => {
    for (const [sequenceNumber, version] of [
      [10, 1],
      [11, 1],
      [13, 3],
      [17, 5],
    ] as const) {
      const [story] = (await trace(0, sequenceNumber)) ?? [];
      expect(story).toMatchObject({ outcome: 'found', commit: { version, orEarlier: false } });
      expect(story?.commit?.files).toContain(story?.rows[0]?.file.path);
      expect(story?.rows[0]?.values).toMatchObject({
        productid: sequenceNumber + 1,
        sequence_number: sequenceNumber,
      });
    }
    expect((await trace(1, 3))?.[0]).toMatchObject({ commit: { version: 4 } });
  });

  it('finds rows and letters in files that are listed by a checkpoint', async () => {
    for (const table of [clickstream.table, deadLettersTable])
      await checkpoint({ at: { store: tables.store, table } });
    expect((await trace(0, 13))?.[0]).toMatchObject({
      outcome: 'found',
      rows: [{ values: { productid: 14 } }],
    });
    expect((await trace(0, 12))?.[0]).toMatchObject({ outcome: 'found', rows: [], letters: [{}] });
    expect((await trace(0, 16))?.[0]).toMatchObject({ outcome: 'never-came' });
  });

  it('tells all rows of an array, in order', async () => {
    const [story] = (await trace(0, 17)) ?? [];
    expect(story?.rows.map(({ values }) => values.element)).toEqual([0, 1]);
  });

  it('tells a dead letter, and an event that never came', async () => {
    expect((await trace(0, 12))?.[0]).toMatchObject({
      outcome: 'found',
      rows: [],
      letters: [{ values: { reason: 'not-json', body: 'x' } }],
      commit: { version: 3 },
    });
    expect((await trace(0, 16))?.[0]).toMatchObject({
      outcome: 'never-came',
      letters: [{ values: { reason: 'expired' } }],
    });
  });

  it('tells the replay that made a row of a dead letter, and none where an element of the event was a row at once', async () => {
    expect((await trace(0, 12))?.[0]?.replay).toBeUndefined();
    await tables.addLetters([{ partition: 0, sequenceNumber: 18, body: clickBody }]);
    await tables.addLetters([{ partition: 0, sequenceNumber: 17, element: 2 }]);
    const at = (table: string) => ({ store: tables.store, table });
    await replayLetters({ stream: clickstream, rows: at(clickstream.table), letters: at(deadLettersTable) });
    await tables.commit([[1, 4]], [[1, 4]]);
    expect((await trace(0, 18))?.[0]).toMatchObject({
      outcome: 'found',
      commit: { version: 5 },
      replay: { version: 6 },
      rows: [{ values: { productid: 7 } }],
    });
    expect((await trace(0, 17))?.[0]).toMatchObject({ commit: { version: 5 }, replay: undefined });
  });

  it('tells events that were never kept, are not committed yet, and are missing apart', async () => {
    expect((await trace(0, 9))?.[0]).toMatchObject({ outcome: 'below-first', first: 10 });
    expect((await trace(0, 20))?.[0]).toMatchObject({ outcome: 'not-committed', version: 19 });
    expect((await trace(0, 18))?.[0]).toMatchObject({ outcome: 'missing' });
  });

  it('knows nothing of a partition that never committed', async () => {
    expect(await trace(7, 0)).toEqual([]);
    const at = { store: tables.store, table: clickstream.table };
    expect(await partitionsOf(at)).toEqual([0, 1]);
  });

  it('tells the stories of all generations, oldest first', async () => {
    await tables.commit([[0, 11]], [[0, 11]], new Date(createdOn.getTime() + 5000));
    const stories = await trace(0, 11);
    expect(stories?.map(({ outcome, commit }) => [outcome, commit?.version])).toEqual([
      ['found', 1],
      ['found', 6],
    ]);
    const later = await trace(0, 25);
    expect(later?.map(({ outcome, version }) => [outcome, version])).toEqual([
      ['after-last', 19],
      ['not-committed', 11],
    ]);
  });
});
