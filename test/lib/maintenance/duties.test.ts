import { expect, it } from 'vitest';
import { dayMs } from '../../../src/lib/duration';
import { performDuty } from '../../../src/lib/maintenance/duties';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import { DatedStore } from './datedStore';
import { appendFiles, snapshotOf } from './table';

it('says how many files a vacuum deleted, and how many bytes', async () => {
  const lake = new DatedStore();
  const at = { store: lake, table: 'clicks' };
  expect(await performDuty('vacuum', { at })).toEqual({ outcome: 'no-table' });
  await appendFiles(at, 1);
  for (const name of ['a', 'b']) {
    await lake.put(`clicks/${name}.parquet`, Buffer.from('four'));
    lake.date(`clicks/${name}.parquet`, Date.now() - 30 * dayMs);
  }
  expect(await performDuty('vacuum', { at })).toEqual({ outcome: 'done', deleted: 2, bytes: 8 });
});

it.each(['checkpoint', 'clean', 'compact', 'vacuum'] as const)(
  'the duty %s says that there is no table',
  async (duty) => {
    expect(await performDuty(duty, { at: { store: new MemoryStore(), table: 'clicks' } })).toEqual({
      outcome: 'no-table',
    });
  },
);

it('says how many files a compaction rewrote, and how many bytes', async () => {
  const at = { store: new MemoryStore(), table: 'clicks' };
  await appendFiles(at, 5);
  const sizes = [...(await snapshotOf(at)).files.values()].map(({ size }) => size);
  const figures = { bins: 1, conflicts: 0, files: 5, bytes: sizes.reduce((sum, size) => sum + size) };
  const planned = await performDuty('compact', { at, dryRun: true });
  expect(planned).toEqual({ outcome: 'done', version: 5, ...figures });
  expect(await performDuty('compact', { at })).toEqual({ outcome: 'done', version: 6, ...figures });
});
