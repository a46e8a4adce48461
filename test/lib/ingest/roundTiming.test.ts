import { describe, expect, it } from 'vitest';
import { RoundTiming, type WaitingBatch } from '../../../src/lib/ingest/roundTiming';

const intervalMs = 1000;

/** A timing that has seen a batch of each partition, and started a round with all of them, at time 0. */
function timing(appIds: readonly string[], interval = intervalMs): RoundTiming {
  const timing = new RoundTiming({ intervalMs: interval });
  for (const appId of appIds) timing.came(appId, 0);
  timing.started(0);
  return timing;
}

/** A batch that comes now, and waits from then on. */
function came(timing: RoundTiming, appId: string, since: number, more: Partial<WaitingBatch> = {}) {
  timing.came(appId, since);
  return { appId, since, events: 100, isFull: false, ...more };
}

describe('a round', () => {
  it('starts at once if there was none before', () => {
    const timing = new RoundTiming({ intervalMs });
    expect(timing.dueAt([came(timing, 'a', 50)], 50)).toBeLessThanOrEqual(50);
  });

  it('starts an interval after the last one, if every partition has a batch waiting', () => {
    const timed = timing(['a', 'b']);
    const waiting = [came(timed, 'a', 300), came(timed, 'b', 980)];
    expect(timed.dueAt(waiting, 980)).toBe(1000);
  });

  it('waits a moment for a partition that is being read', () => {
    const timed = timing(['a', 'b']);
    const a = came(timed, 'a', 980);
    expect(timed.dueAt([a], 980)).toBe(1030);
    expect(timed.dueAt([a, came(timed, 'b', 1010)], 1010)).toBe(1000);
  });

  it('does not wait for that partition if another has waited long', () => {
    const timed = timing(['a', 'b']);
    expect(timed.dueAt([came(timed, 'a', 300)], 300)).toBe(1000);
  });

  it('does not wait for a partition of which nothing came for two seconds', () => {
    const timed = timing(['a', 'b']);
    expect(timed.dueAt([came(timed, 'a', 1999)], 1999)).toBe(2049);
    expect(timed.dueAt([came(timed, 'a', 2000)], 2000)).toBe(1000);
    timed.started(2000);
    expect(timed.dueAt([came(timed, 'a', 2500)], 2500)).toBe(3000);
  });

  it('still waits for a partition whose batch was in the last rounds', () => {
    const timed = timing(['a']);
    timed.came('b', 500);
    timed.started(1000);
    expect(timed.dueAt([came(timed, 'a', 2100)], 2100)).toBe(2150);
  });

  it.each([
    ['a batch is full', { isFull: true }],
    ['there are many events', { events: 4000 }],
  ])('starts after a quarter of a second if %s', (_, backlog) => {
    const timed = timing(['a']);
    expect(timed.dueAt([came(timed, 'a', 90, backlog)], 90)).toBe(250);
    expect(timing(['a'], 100).dueAt([came(timed, 'a', 90, backlog)], 90)).toBe(100);
  });

  it('counts the events of all batches', () => {
    const timed = timing(['a', 'b']);
    const waiting = [came(timed, 'a', 90, { events: 2000 }), came(timed, 'b', 90, { events: 1999 })];
    expect(timed.dueAt(waiting, 90)).toBe(1000);
    expect(timed.dueAt([...waiting, came(timed, 'a', 90, { events: 1 })], 90)).toBe(250);
  });

  it('waits for nothing if there is no interval', () => {
    const timed = timing(['a', 'b'], 0);
    expect(timed.dueAt([came(timed, 'a', 10)], 10)).toBe(10);
  });
});
