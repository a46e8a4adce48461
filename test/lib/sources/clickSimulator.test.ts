import { describe, expect, it } from 'vitest';
import { type ClickEvent, createClickSimulator } from '../../../src/lib/sources/clickSimulator';
import { clickstream } from '../../../src/lib/streams/clickstream';
import { isRow } from '../../../src/lib/streams/stream';

const start = Date.UTC(2026, 0, 1);

/** Microseconds since 1970, read by the stream's own decoder. */
const timeOf = (click: ClickEvent): number => {
  const [row] = clickstream.decode(Buffer.from(JSON.stringify(click)));
  if (!row || !isRow(row)) throw new Error(`not a click: ${JSON.stringify(click)}`);
  return Number(row[1]);
};

const sessionsOf = (clicks: readonly ClickEvent[]) => Map.groupBy(clicks, (click) => click.sessionid);

const run = (seconds: number, rate: number, options = {}) => {
  const simulator = createClickSimulator({ now: start, seed: 1, ...options });
  return Array.from({ length: seconds }, (_, i) => simulator.tick(start + (i + 1) * 1000, rate)).flat();
};

describe('a click', () => {
  it('has the shape and the ranges of the published generator', () => {
    const clicks = run(20, 1000);
    for (const click of clicks) {
      expect(Object.keys(click)).toEqual(['productid', 'timestamp', 'sessionid', 'category']);
      expect(click.timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}\+00:00$/);
      expect(click.category).toBe((click.productid % 10) + 1);
    }
    const products = clicks.map((click) => click.productid);
    expect(Math.min(...products)).toBe(1);
    expect(Math.max(...products)).toBe(670);
    expect(new Set(products).size).toBe(670);
  });

  it('takes its ranges from the options', () => {
    const clicks = run(5, 100, { minProductId: 9900, maxProductId: 9903, nocats: 2 });
    expect(new Set(clicks.map((click) => click.productid))).toEqual(new Set([9900, 9901, 9902]));
    expect(new Set(clicks.map((click) => click.category))).toEqual(new Set([1, 2]));
  });

  it('is the same again for the same seed and ticks', () => {
    expect(run(3, 500)).toEqual(run(3, 500));
    expect(run(3, 500)).not.toEqual(run(3, 500, { seed: 2 }));
  });
});

describe('the rate', () => {
  it('times the seconds since the last tick is the number of clicks, with fractions carried over', () => {
    const simulator = createClickSimulator({ now: start, seed: 1 });
    const counts = Array.from({ length: 1000 }, (_, i) => simulator.tick(start + (i + 1) * 7, 33).length);
    expect(counts.reduce((sum, count) => sum + count)).toBe(231);
    expect(Math.max(...counts)).toBe(1);
  });

  it('may change from tick to tick, and be zero', () => {
    const simulator = createClickSimulator({ now: start, seed: 1 });
    expect(simulator.tick(start + 1000, 10)).toHaveLength(10);
    expect(simulator.tick(start + 2000, 0)).toHaveLength(0);
    expect(simulator.tick(start + 3000, 2000)).toHaveLength(2000);
  });

  it('makes no clicks if the clock stands still or goes back, and none twice', () => {
    const simulator = createClickSimulator({ now: start, seed: 1 });
    expect(simulator.tick(start, 100)).toHaveLength(0);
    expect(simulator.tick(start + 1000, 100)).toHaveLength(100);
    expect(simulator.tick(start + 500, 100)).toHaveLength(0);
    expect(simulator.tick(start + 1000, 100)).toHaveLength(0);
    expect(simulator.tick(start + 2000, 100)).toHaveLength(100);
  });

  it('catches up for a limited time after a long pause', () => {
    const simulator = createClickSimulator({ now: start, seed: 1 });
    const clicks = simulator.tick(start + 8 * 3_600_000, 10);
    expect(clicks).toHaveLength(900);
    expect(Math.min(...clicks.map(timeOf))).toBeGreaterThan((start + 8 * 3_600_000 - 90_000) * 1000);
    const briefly = createClickSimulator({ now: start, seed: 1, maxCatchUpMs: 5000 });
    expect(briefly.tick(start + 60_000, 10)).toHaveLength(50);
  });
});

describe('event times', () => {
  it('follow the clock: ascending, after the last tick and not after this one', () => {
    const simulator = createClickSimulator({ now: start, seed: 1 });
    simulator.tick(start + 1000, 100);
    const times = simulator.tick(start + 3000, 100).map(timeOf);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(Math.min(...times)).toBeGreaterThan((start + 1000) * 1000);
    expect(Math.max(...times)).toBe((start + 3000) * 1000);
  });

  it('of a session are 0 to 59 seconds apart, as drawn', () => {
    const clicks = run(400, 200);
    const gaps = [...sessionsOf(clicks).values()].flatMap((session) => {
      const times = session.map((click) => timeOf(click) / 1_000_000);
      return times.slice(1).map((time, i) => time - (times[i] ?? 0));
    });
    expect(gaps.length).toBeGreaterThan(10_000);
    // Whole seconds are drawn from a moment within a second, and a second's sessions are due in any order.
    expect(gaps.filter((gap) => gap < 0 || gap > 61)).toEqual([]);
    const mean = gaps.reduce((sum, gap) => sum + gap) / gaps.length;
    expect(mean).toBeGreaterThan(26);
    expect(mean).toBeLessThan(33);
  });
});

describe('sessions', () => {
  it('have 1 to 98 clicks, 49 or so on average', () => {
    // Long enough for the first sessions to have ended: 98 clicks take up to 98 minutes.
    const clicks = run(6000, 20);
    const earliest = [...sessionsOf(clicks).values()].slice(0, 100).map((session) => session.length);
    expect(Math.min(...earliest)).toBeGreaterThanOrEqual(1);
    expect(Math.max(...earliest)).toBeLessThanOrEqual(98);
    const mean = earliest.reduce((sum, count) => sum + count) / earliest.length;
    expect(mean).toBeGreaterThan(40);
    expect(mean).toBeLessThan(60);
  });

  it('run side by side: as many as the rate needs, not one after the other', () => {
    const clicks = run(200, 100).slice(-1000);
    expect(sessionsOf(clicks).size).toBeGreaterThan(500);
  });

  it('never share an id across restarts, even a millisecond apart at 100,000 clicks a second', () => {
    const seen = new Set<number>();
    let now = start;
    for (let restart = 0; restart < 50; restart++) {
      const simulator = createClickSimulator({ now, seed: restart });
      const ids = new Set<number>();
      for (let tick = 0; tick < 3; tick++) {
        now += 1;
        for (const click of simulator.tick(now, 100_000)) ids.add(click.sessionid);
      }
      for (const id of ids) {
        expect(seen.has(id)).toBe(false);
        seen.add(id);
      }
    }
  });

  it('have ids that are safe integers for decades', () => {
    const now = Date.UTC(2085, 0, 1);
    const simulator = createClickSimulator({ now, seed: 1 });
    for (const click of simulator.tick(now + 1000, 1000)) expect(click.sessionid).toBeLessThan(2 ** 53);
  });
});

describe('the published way', () => {
  const options = { now: start, seed: 1, eventTimes: 'published' as const };

  it('sends session after session, numbered from one, and ends', () => {
    const simulator = createClickSimulator({ ...options, nosessions: 20 });
    const clicks = simulator.tick(start + 90_000, 1000);
    const ids = clicks.map((click) => click.sessionid);
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));
    expect(Math.min(...ids)).toBeGreaterThanOrEqual(1);
    expect(Math.max(...ids)).toBeLessThanOrEqual(19);
    expect(clicks.length).toBeLessThan(19 * 98 + 1);
    expect(simulator.tick(start + 180_000, 1000)).toEqual([]);
    expect(simulator.hasEnded).toBe(true);
  });

  it('have not ended where only no click was due', () => {
    const simulator = createClickSimulator({ ...options, nosessions: 20 });
    expect(simulator.tick(start + 999, 1)).toEqual([]);
    expect(simulator.hasEnded).toBe(false);
  });

  it('starts each session 10,000 seconds back and never passes the start', () => {
    const clicks = createClickSimulator(options).tick(start + 60_000, 1000);
    for (const session of sessionsOf(clicks).values()) {
      const times = session.map((click) => timeOf(click) / 1_000_000 - start / 1000 + 10_000);
      expect(times[0]).toBeGreaterThanOrEqual(0);
      expect(times[0]).toBeLessThan(60);
      for (const [i, time] of times.slice(1).entries()) {
        expect(time - (times[i] ?? 0)).toBeGreaterThanOrEqual(0);
        expect(time - (times[i] ?? 0)).toBeLessThan(60);
      }
    }
    const short = createClickSimulator({ ...options, sessionDuration: 30 }).tick(start + 60_000, 1000);
    expect(Math.max(...short.map(timeOf))).toBe(start * 1000);
  });

  it('continues from a given session', () => {
    const simulator = createClickSimulator({ ...options, sessionctr: 500, nosessions: 503 });
    const ids = simulator.tick(start + 60_000, 1000).map((click) => click.sessionid);
    expect(ids.filter((id) => id !== 501 && id !== 502)).toEqual([]);
    expect(ids.length).toBeGreaterThan(0);
  });
});

describe('settings that allow no clicks', () => {
  it.each([
    [{ maxclicks: 2 }, /maxclicks is 2/],
    [{ minProductId: 5, maxProductId: 5 }, /maxProductId is 5/],
    [{ nocats: 0 }, /nocats is 0/],
  ])('are refused: %j', (options, message) => {
    expect(() => createClickSimulator(options)).toThrow(message);
  });
});
