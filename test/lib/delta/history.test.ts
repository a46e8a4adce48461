import { expect, it } from 'vitest';
import { createTable, putCommit } from '../../../src/lib/delta/commit';
import { readHistory } from '../../../src/lib/delta/history';
import { commitPath } from '../../../src/lib/delta/log';
import { field } from '../../../src/lib/delta/schema';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';

it('a history holds the newest commits that the log still has, newest first', async () => {
  const at = { store: new MemoryStore(), table: 'events' };
  expect(await readHistory(at, 10)).toEqual([]);
  await createTable(at, [field('id', 'long', false)]);
  for (let version = 1; version <= 20; version++)
    await putCommit(at, version, [], { operation: `STEP ${version}`, isBlindAppend: true });
  for (let version = 0; version < 5; version++) await at.store.delete(commitPath('events', version));
  const history = async (limit: number) =>
    (await readHistory(at, limit)).map(({ version, commitInfo }) => `${version} ${commitInfo?.operation}`);
  expect(await history(3)).toEqual(['20 STEP 20', '19 STEP 19', '18 STEP 18']);
  expect((await history(100)).at(-1)).toBe('5 STEP 5');
  expect(await history(100)).toHaveLength(16);
});
