import { expect, it } from 'vitest';
import { enforceKept } from '../../../src/lib/counts/kept';
import { append, createTable } from '../../../src/lib/delta/commit';
import { openState } from '../../../src/lib/delta/openTable';
import { field } from '../../../src/lib/delta/schema';
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
