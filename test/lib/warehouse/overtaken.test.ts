import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers/promises';
import { afterEach, expect, it, vi } from 'vitest';
import { Overtaken } from '../../../src/lib/warehouse/overtaken';

const at = (version: number, tableId = 'id') => ({ tableId, version, mark: undefined });
const short = { firstMs: 1, mostMs: 1 };
/** So long that a test with such a wait does not end. */
const long = { firstMs: 600_000, mostMs: 600_000 };
const forever = new AbortController().signal;

afterEach(() => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
});

it('five loads in a row from one position may be overtaken, and no more', async () => {
  const overtaken = new Overtaken(forever, short);
  const seen: boolean[] = [];
  for (let load = 0; load < 5; load++) seen.push(await overtaken.mayGoOn(at(1)));
  expect(seen).toEqual([true, true, true, true, false]);
});

it.each([
  ['a later version', at(2)],
  ['a version of another table', at(1, 'another')],
])('loads begin to be counted again from %s', async (_what, next) => {
  const overtaken = new Overtaken(forever, short);
  for (let load = 0; load < 4; load++) await overtaken.mayGoOn(at(1));
  for (let load = 0; load < 4; load++) expect(await overtaken.mayGoOn(next)).toBe(true);
  expect(await overtaken.mayGoOn(next)).toBe(false);
});

it('loads begin to be counted again after one that was not overtaken, also from the same position', async () => {
  const overtaken = new Overtaken(forever, short);
  for (let load = 0; load < 4; load++) await overtaken.mayGoOn(at(1));
  overtaken.reset();
  for (let load = 0; load < 4; load++) expect(await overtaken.mayGoOn(at(1))).toBe(true);
  expect(await overtaken.mayGoOn(at(1))).toBe(false);
});

it('the first load that is overtaken is followed by another one at once, also after one that was not', async () => {
  const overtaken = new Overtaken(forever, long);
  for (const version of [1, 2, 3]) {
    expect(await overtaken.mayGoOn(at(version))).toBe(true);
    overtaken.reset();
  }
});

it('a wait before the next load ends when the work must end, wherever the table stands by then', async () => {
  const ended = new AbortController();
  const overtaken = new Overtaken(ended.signal, long);
  await overtaken.mayGoOn(at(1));
  let isOver = false;
  const waiting = overtaken.mayGoOn(at(2)).then((mayGoOn) => {
    isOver = true;
    return mayGoOn;
  });
  await new Promise((done) => setTimeout(done, 50));
  expect(isOver).toBe(false);
  ended.abort();
  expect(await waiting).toBe(true);
});

it('the waits of a table that moves on grow from a fifth of a second to five seconds and no further', async () => {
  vi.spyOn(Math, 'random').mockReturnValue(0.5);
  const sleep = vi.spyOn(timers, 'setTimeout').mockResolvedValue(undefined);
  syncBuiltinESMExports();
  const overtaken = new Overtaken(forever);
  for (let version = 0; version < 9; version++) expect(await overtaken.mayGoOn(at(version))).toBe(true);
  expect(sleep.mock.calls.map(([ms]) => ms)).toEqual([200, 400, 800, 1600, 3200, 5000, 5000, 5000]);
});
