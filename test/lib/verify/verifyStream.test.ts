import { beforeEach, describe, expect, it } from 'vitest';
import { clickstream } from '../../../src/lib/streams/clickstream';
import { problemsOf } from '../../../src/lib/verify/partitionAudit';
import { verifyStream } from '../../../src/lib/verify/verifyStream';
import { createdOn, rowsIn, StreamTables } from './streamTables';

let tables: StreamTables;
beforeEach(() => {
  tables = new StreamTables();
});

async function verify() {
  const report = await verifyStream({ store: tables.store, stream: clickstream });
  return report?.partitions ?? [];
}

const problems = async () => (await verify()).map(problemsOf);

describe('verifyStream', () => {
  it('says that there is no table', async () => {
    expect(await verifyStream({ store: tables.store, stream: clickstream })).toBeUndefined();
  });

  it('tells how many of the files it has read', async () => {
    for (const sequenceNumber of [0, 1, 2]) await tables.commit([[0, sequenceNumber]], [[0, sequenceNumber]]);
    const told: number[][] = [];
    const onFile = (...progress: number[]) => told.push(progress);
    await verifyStream({ store: tables.store, stream: clickstream, onFile });
    expect(told).toEqual([
      [1, 3],
      [2, 3],
      [3, 3],
    ]);
  });

  it('finds nothing wrong with rows and letters that take turns, from wherever they begin', async () => {
    await tables.addLetters([{ partition: 0, sequenceNumber: 7 }]);
    await tables.commit(rowsIn(0, [5, 6, 8]), [[0, 8]]);
    await tables.addLetters([{ partition: 1, sequenceNumber: 100 }]);
    await tables.commit([[1, 101]], [[1, 101]]);
    const [zero, one] = await verify();
    expect(zero).toMatchObject({ partition: 0, first: 5, committed: 8, rows: 3, letters: 1 });
    expect(one).toMatchObject({ partition: 1, first: 100, committed: 101, rows: 1, letters: 1 });
    expect(await problems()).toEqual([[], []]);
  });

  it('finds events that neither rows nor letters account for, at the end too', async () => {
    await tables.commit(rowsIn(0, [0, 1, 4, 6]), [[0, 8]]);
    const [report] = await verify();
    expect(report?.gaps).toEqual({
      count: 5,
      examples: [
        { first: 2, last: 3 },
        { first: 5, last: 5 },
        { first: 7, last: 8 },
      ],
    });
    expect(await problems()).toEqual([['5 events missing']]);
  });

  it('finds rows that are there twice, in one commit or in two', async () => {
    await tables.commit(rowsIn(0, [0, 1, 1]), [[0, 1]]);
    await tables.commit(rowsIn(0, [0, 2]), [[0, 2]]);
    const [report] = await verify();
    expect(report?.duplicates).toEqual({
      count: 2,
      examples: expect.arrayContaining([
        { sequenceNumber: 1, element: 0 },
        { sequenceNumber: 0, element: 0 },
      ]),
    });
  });

  it('requires each element of an array once, as a row or as a letter', async () => {
    await tables.addLetters([{ partition: 0, sequenceNumber: 1, element: 1 }]);
    await tables.commit(
      [
        [0, 0],
        [0, 1, 0],
        [0, 1, 2],
        [0, 2, 0],
        [0, 2, 2],
      ],
      [[0, 2]],
    );
    const [report] = await verify();
    expect(report?.torn).toEqual({ count: 1, examples: [2] });
  });

  it('takes a letter that came twice once, and one that is a row as settled', async () => {
    await tables.addLetters([
      { partition: 0, sequenceNumber: 1 },
      { partition: 0, sequenceNumber: 0 },
    ]);
    await tables.addLetters([{ partition: 0, sequenceNumber: 1 }]);
    await tables.commit([[0, 0]], [[0, 1]]);
    expect(await verify()).toMatchObject([{ rows: 1, letters: 1 }]);
    expect(await problems()).toEqual([[]]);
  });

  it('takes events whose loss is on record for accounted, and those beside them for missing', async () => {
    const expired = { partition: 0, sequenceNumber: 2, reason: 'expired', body: '{"first":2,"last":5}' };
    await tables.addLetters([expired]);
    await tables.addLetters([expired]);
    await tables.commit(rowsIn(0, [0, 1, 7]), [[0, 7]]);
    expect(await verify()).toMatchObject([
      { neverCame: 4, gaps: { count: 1, examples: [{ first: 6, last: 6 }] } },
    ]);
  });

  it('does not count letters of other streams, nor of commits that are not there (yet)', async () => {
    await tables.addLetters([
      { partition: 0, sequenceNumber: 1, stream: 'prices' },
      { partition: 0, sequenceNumber: 3 },
      { partition: 4, sequenceNumber: 0 },
    ]);
    await tables.commit(rowsIn(0, [0, 2]), [[0, 2]]);
    expect(await verify()).toMatchObject([{ partition: 0, letters: 0, gaps: { count: 1 } }]);
  });

  it('finds rows that were taken for those of a hub that was gone when they were enqueued', async () => {
    const remade = new Date(createdOn.getTime() + 60_000);
    await tables.commit([[0, 0]], [[0, 0]]);
    await tables.commit(rowsIn(0, [1, 2]), [[0, 2]], createdOn, remade);
    // It cannot be noticed as long as the table has events of one hub only.
    expect(await problems()).toEqual([[]]);
    await tables.commit([[0, 0]], [[0, 0]], remade);
    expect(await problems()).toEqual([['2 rows enqueued after the hub was made again'], []]);
    expect((await verify())[0]?.misplaced.examples).toEqual([1, 2]);
  });

  it('keeps generations of a hub apart', async () => {
    const again = new Date(createdOn.getTime() + 1000);
    await tables.commit(rowsIn(0, [0, 1]), [[0, 1]]);
    await tables.commit([[0, 0]], [[0, 0]], again);
    expect(await problems()).toEqual([[], []]);
    expect((await verify()).map(({ hubCreatedAt }) => hubCreatedAt / 1000)).toEqual([
      createdOn.getTime(),
      again.getTime(),
    ]);
  });

  it('finds rows above the txn, and rows without one', async () => {
    await tables.commit(
      [
        [0, 0],
        [0, 1],
        [3, 0],
      ],
      [[0, 0]],
    );
    expect(await problems()).toEqual([['1 row beyond the txn'], ['rows without a txn']]);
  });

  it('lists some of many problems and counts them all', async () => {
    await tables.commit(
      Array.from({ length: 100 }, (_, i) => [0, i * 2] as const),
      [[0, 198]],
    );
    const [report] = await verify();
    expect(report?.gaps.count).toBe(99);
    expect(report?.gaps.examples).toHaveLength(20);
  });
});
