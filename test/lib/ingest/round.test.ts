import { describe, expect, it } from 'vitest';
import { valueAt } from '../../../src/lib/delta/columnValues';
import { NumberColumn } from '../../../src/lib/delta/numberColumn';
import { decodeEvents } from '../../../src/lib/ingest/decodeEvents';
import type { PartitionBatch } from '../../../src/lib/ingest/partitionBatch';
import { planRound } from '../../../src/lib/ingest/round';
import { tableFields } from '../../../src/lib/lake/rowAddress';
import { clickstream } from '../../../src/lib/streams/clickstream';
import { listOf, rangeOf } from './decodedRows';
import { appId, batch, hubCreatedAt } from './writerStand';

/** A batch of partition 0 after a gap of expired events. */
function behindGap(first: number, last: number, gap: { first: number; last: number }) {
  const { events } = batch(0, first, last);
  return {
    appId: appId(0),
    hubCreatedAt,
    partition: 0,
    events,
    gaps: [{ ...gap, reason: 'expired' as const }],
  };
}

const plan = (committed: number, ...batches: PartitionBatch[]) =>
  planRound({
    batches,
    committed: new Map([[appId(0), { appId: appId(0), version: committed }]]),
    stream: 'clickstream',
    fields: tableFields(clickstream),
  });

describe('a round', () => {
  it('has the rescued fields with their rows, and null in all other rows', () => {
    const one = behindGap(0, 4, { first: 0, last: 0 });
    const rescued = new Map([
      [1, '{"a":1}'],
      [3, '{"b":2}'],
    ]);
    const events = one.events.map((event, index) => {
      const text = rescued.get(index);
      return text === undefined ? event : { ...event, ...rangeOf([[index, hubCreatedAt, 1, 2, text]]) };
    });
    const { columns } = plan(-1, { ...one, events });
    expect(columns.map(({ length }) => length)).toEqual(new Array(10).fill(5));
    expect(listOf(columns.at(-1) ?? [])).toEqual([null, '{"a":1}', null, '{"b":2}', null]);
    expect(columns[0]).toEqual(new NumberColumn(Float64Array.of(0, 1, 2, 3, 4)));
  });

  it('numbers the rows of each body from 0, also where some elements are no rows, and bodies of one row are between', () => {
    const { gaps: _, ...one } = behindGap(0, 3, { first: 0, last: 0 });
    const click = (product: number) => `{"productid":${product},"category":2}`;
    const bodies = [
      `[${click(10)},${click(11)},${click(12)}]`,
      click(20),
      `[${click(30)},7,${click(32)}]`,
      `[${click(40)},${click(41)}]`,
    ];
    const events = decodeEvents(
      clickstream,
      bodies.map((body, index) => ({
        body: Buffer.from(body),
        sequenceNumber: index,
        enqueuedAt: hubCreatedAt + index,
      })),
    );
    const { columns, rows, letters, shares } = plan(-1, { ...one, events });
    const values = (name: string) => {
      const column = columns[tableFields(clickstream).findIndex((field) => field.name === name)];
      return Array.from({ length: rows }, (_, row) => Number(column && valueAt(column, row)));
    };
    expect(values('productid')).toEqual([10, 11, 12, 20, 30, 32, 40, 41]);
    expect(values('element')).toEqual([0, 1, 2, 0, 0, 2, 0, 1]);
    expect(values('sequence_number')).toEqual([0, 0, 0, 1, 2, 2, 3, 3]);
    expect(values('enqueued_at')).toEqual([0, 0, 0, 1, 2, 2, 3, 3].map((after) => hubCreatedAt + after));
    expect(values('hub_created_at')).toEqual(Array(8).fill(hubCreatedAt));
    expect(values('hub_partition')).toEqual(Array(8).fill(0));
    expect(shares).toEqual([{ rows: 8, duplicates: 0, letters: 1 }]);
    expect(letters.columns.slice(3, 5).map(listOf)).toEqual([[2], [1]]);
  });

  it('has the rows of each partition with the address of that partition', () => {
    const one = behindGap(0, 1, { first: 0, last: 0 });
    const other = { ...one, appId: appId(3), partition: 3, hubCreatedAt: 5 };
    const { columns, txns, oldest } = plan(-1, one, other, behindGap(2, 2, { first: 0, last: 0 }));
    const values = (name: string) => {
      const column = columns[tableFields(clickstream).findIndex((field) => field.name === name)];
      return Array.from({ length: 5 }, (_, row) => Number(column && valueAt(column, row)));
    };
    expect(values('hub_partition')).toEqual([0, 0, 3, 3, 0]);
    expect(values('hub_created_at')).toEqual([hubCreatedAt, hubCreatedAt, 5, 5, hubCreatedAt]);
    expect(txns).toMatchObject([
      { appId: appId(0), version: 2 },
      { appId: appId(3), version: 1 },
    ]);
    expect(oldest).toBe(hubCreatedAt);
  });

  it('takes the oldest of the events that are no duplicates', () => {
    const { events, ...rest } = behindGap(0, 4, { first: 0, last: 0 });
    const times = [1, 9, 5, 7, 6];
    const timed = events.map((event, index) => ({ ...event, enqueuedAt: times[index] ?? 0 }));
    expect(plan(0, { ...rest, events: timed }).oldest).toBe(5);
    expect(plan(2, { ...rest, events: timed }).oldest).toBe(6);
    expect(plan(4, { ...rest, events: timed }).oldest).toBe(Number.POSITIVE_INFINITY);
  });

  it('has a letter for a gap, and moves past it', () => {
    const round = plan(9, behindGap(20, 29, { first: 10, last: 19 }));
    expect(round.shares).toEqual([{ rows: 10, duplicates: 0, letters: 1 }]);
    expect(round.txns).toMatchObject([{ appId: appId(0), version: 29 }]);
  });

  it('has no letter for a gap that is committed already, or that a batch before it in the round has', () => {
    const again = behindGap(20, 29, { first: 10, last: 19 });
    expect(plan(29, again).shares).toEqual([{ rows: 0, duplicates: 10, letters: 0 }]);
    expect(plan(10, again).shares).toEqual([{ rows: 10, duplicates: 0, letters: 0 }]);
    expect(plan(9, again, again).shares).toEqual([
      { rows: 10, duplicates: 0, letters: 1 },
      { rows: 0, duplicates: 10, letters: 0 },
    ]);
  });
});
