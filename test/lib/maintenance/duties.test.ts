import { expect, it } from 'vitest';
import { performDuty } from '../../../src/lib/maintenance/duties';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import { DatedStore } from './datedStore';
import { appendFiles, day } from './table';

it('says how many files a vacuum deleted, and how many bytes', async () => {
  const lake = new DatedStore();
  const at = { store: lake, table: 'clicks' };
  expect(await performDuty('vacuum', { at })).toEqual({ outcome: 'no-table' });
  await appendFiles(at, 1);
  for (const name of ['a', 'b']) {
    await lake.put(`clicks/${name}.parquet`, Buffer.from('four'));
    lake.date(`clicks/${name}.parquet`, Date.now() - 30 * day);
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
