import { expect, it } from 'vitest';
import { enforceKept, readKept, writeKept } from '../../../src/lib/counts/kept';
import { append, createTable, putCommit } from '../../../src/lib/delta/commit';
import { openState } from '../../../src/lib/delta/openTable';
import { field } from '../../../src/lib/delta/schema';
import { TributaryError } from '../../../src/lib/errors';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import { countedClicks } from '../../../src/lib/streams/clickstream';

const fields = [field('productid', 'long')];

/** A table, and a rival's commit to it with these txns, which the state from before does not know. */
async function withRival(...appIds: readonly string[]) {
  const at = { store: new MemoryStore(), table: 'clicks' };
  await createTable(at, fields);
  const state = await openState(at);
  if (!state) throw new Error('There is no table.');
  const txns = appIds.map((appId) => ({ appId, version: 7 }));
  await append({ state, fields, adds: [], txns });
  return { at, state };
}

it('a decision comes into force beside a commit of events', async () => {
  const { at, state } = await withRival('contoso/clicks@2026-01-01T00:00:00.000Z/0');
  expect(await enforceKept(state, countedClicks, 1)).toBe('in-force');
  expect((await openState(at))?.txns.get('counts/kept')?.version).toBe(1);
});

it('a decision is overtaken by another one, also where that came with something else', async () => {
  const { at, state } = await withRival('another writer', 'counts/kept');
  expect(await enforceKept(state, countedClicks, 1)).toBe('overtaken');
  expect((await openState(at))?.txns.get('counts/kept')?.version).toBe(7);
});

it.each(['protocol', 'metaData'])(
  'no decision comes into force if a rival has changed the %s so that nobody here may write',
  async (what) => {
    const { at, state } = await withRival();
    const { protocol, metaData } = state;
    const change =
      what === 'protocol'
        ? { protocol: { ...protocol, minWriterVersion: 99 } }
        : { metaData: { ...metaData, configuration: { 'delta.enableRowTracking': 'true' } } };
    await putCommit(at, 2, [change], { operation: 'TEST', isBlindAppend: false });
    await expect(enforceKept(state, countedClicks, 1)).rejects.toMatchObject({ code: 'delta.unsupported' });
    expect(await at.store.get('clicks/_delta_log/00000000000000000003.json')).toBeUndefined();
  },
);

const decision = (...keys: number[]) => ({
  keys: new Set(keys),
  id: String(keys),
  decidedAt: 5,
  maxKeys: 3,
  preferred: 'tag',
});

async function tableState() {
  const at = { store: new MemoryStore(), table: 'clicks' };
  await createTable(at, fields);
  const open = async () => {
    const state = await openState(at);
    if (!state) throw new Error('There is no table.');
    return state;
  };
  const decide = async (...keys: number[]) => {
    const state = await open();
    return enforceKept(state, countedClicks, await writeKept(state, countedClicks, decision(...keys)));
  };
  const numbers = async () => {
    const found: number[] = [];
    for await (const { path } of at.store.list('clicks/_counts/kept/'))
      found.push(Number.parseInt(path.split('/').at(-1) ?? '', 10));
    return found;
  };
  return { at, open, decide, numbers };
}

it('three earlier decisions stay beside the one in force, which is read as it was written', async () => {
  const { open, decide, numbers } = await tableState();
  for (let number = 1; number <= 4; number++) expect(await decide(number, 9)).toBe('in-force');
  expect(await numbers()).toEqual([1, 2, 3, 4]);
  await decide(5);
  expect(await numbers()).toEqual([2, 3, 4, 5]);
  expect(await readKept(await open(), countedClicks)).toEqual({ ...decision(5), number: 5, isAlone: false });
});

it('the file of a decision that is overtaken is deleted, and that of the winner stays', async () => {
  const { open, decide, numbers } = await tableState();
  const state = await open();
  const [one, two] = [
    await writeKept(state, countedClicks, decision(1)),
    await writeKept(state, countedClicks, decision(2)),
  ];
  expect([one, two]).toEqual([1, 2]);
  expect(await enforceKept(state, countedClicks, two)).toBe('in-force');
  expect(await enforceKept(state, countedClicks, one)).toBe('overtaken');
  expect(await numbers()).toEqual([2]);
  expect(await decide(3)).toBe('in-force');
  expect((await readKept(await open(), countedClicks))?.number).toBe(3);
});

it('a decision is in force although an earlier file cannot be deleted; a mistake of ours is not passed over', async () => {
  const { at, decide } = await tableState();
  for (let number = 1; number <= 3; number++) await decide(number);
  at.store.delete = async () => {
    throw new TributaryError('storage.refused', 'No such right.');
  };
  expect(await decide(4)).toBe('in-force');
  at.store.delete = async () => {
    throw new RangeError('a mistake');
  };
  await expect(decide(5)).rejects.toThrow(RangeError);
});

it.each<[string, (stored: Record<string, unknown>) => unknown]>([
  ['is no JSON', () => undefined],
  ['is null', () => null],
  ['is of another format', (stored) => ({ ...stored, format: 2 })],
  ['is about another column', (stored) => ({ ...stored, of: 'sessionid' })],
  ['has no keys', ({ keys: _, ...rest }) => rest],
  ['has a key that is none', (stored) => ({ ...stored, keys: [1, null] })],
  ['has keys that are no list', (stored) => ({ ...stored, keys: { 1: 1 } })],
  ['has a number as its id', (stored) => ({ ...stored, id: 7 })],
  ['has a number as what was preferred', (stored) => ({ ...stored, preferred: 7 })],
  ['has a text as its time', (stored) => ({ ...stored, decidedAt: '7' })],
  ['has a text as its limit', (stored) => ({ ...stored, maxKeys: '7' })],
])('a decision whose file %s is not followed', async (_what, damage) => {
  const { at, open, decide } = await tableState();
  await decide(1, 2);
  const path = 'clicks/_counts/kept/1.json';
  const stored = JSON.parse(Buffer.from((await at.store.get(path))?.bytes ?? []).toString());
  await at.store.put(path, Buffer.from(JSON.stringify(damage(stored)) ?? 'nonsense'));
  expect(await readKept(await open(), countedClicks)).toBeUndefined();
});

it('a decision that keeps every key, or of a release that did not write its column, is followed', async () => {
  const { at, open, decide } = await tableState();
  await decide(1, 2);
  const path = 'clicks/_counts/kept/1.json';
  const { of: _, ...stored } = JSON.parse(Buffer.from((await at.store.get(path))?.bytes ?? []).toString());
  await at.store.put(path, Buffer.from(JSON.stringify({ ...stored, keys: ['a', 1] })));
  expect((await readKept(await open(), countedClicks))?.keys).toEqual(new Set(['a', 1]));
  await at.store.put(path, Buffer.from(JSON.stringify({ ...stored, keys: null })));
  expect(await readKept(await open(), countedClicks)).toMatchObject({ keys: undefined, number: 1 });
  await at.store.delete(path);
  expect(await readKept(await open(), countedClicks)).toBeUndefined();
});
