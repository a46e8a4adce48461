import { describe, expect, it } from 'vitest';
import { NumberColumn } from '../../../src/lib/delta/columnValues';
import { planRound } from '../../../src/lib/ingest/round';
import { tableFields } from '../../../src/lib/lake/rowAddress';
import { clickstream } from '../../../src/lib/streams/clickstream';
import { rangeOf } from './decodedRows';
import { appId, batch, createdAt } from './writerStand';

/** A batch of partition 0 after a gap of expired events. */
function behindGap(first: number, last: number, gap: { first: number; last: number }) {
  const hubCreatedAt = Date.UTC(2026, 0, 1) * 1000;
  const { events } = batch(0, first, last);
  return {
    appId: appId(0),
    hubCreatedAt,
    partition: 0,
    events,
    gaps: [{ ...gap, reason: 'expired' as const }],
  };
}

const plan = (committed: number, ...batches: ReturnType<typeof behindGap>[]) =>
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
      return text === undefined ? event : { ...event, ...rangeOf([[index, createdAt, 1, 2, text]]) };
    });
    const { columns } = plan(-1, { ...one, events });
    expect(columns.map(({ length }) => length)).toEqual(new Array(10).fill(5));
    expect(columns.at(-1)).toEqual([null, '{"a":1}', null, '{"b":2}', null]);
    expect(columns[0]).toEqual(new NumberColumn(Float64Array.of(0, 1, 2, 3, 4)));
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
