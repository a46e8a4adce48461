import { expect, it, onTestFinished, vi } from 'vitest';
import { checkpointPath, commitPath } from '../../../src/lib/delta/log';
import { TributaryError } from '../../../src/lib/errors';
import {
  type DutyReport,
  isFullPassDue,
  maintainTables,
  performDuty,
} from '../../../src/lib/maintenance/maintainTables';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import { DatedStore } from './datedStore';
import { appendFiles, day, snapshotOf } from './table';

const store = () => new MemoryStore();

async function pass(options: Partial<Parameters<typeof maintainTables>[0]>) {
  const reports: DutyReport[] = [];
  const failure = await maintainTables({
    tables: [],
    isFull: true,
    limitMs: 60_000,
    report: (report) => reports.push(report),
    ...options,
  }).then(
    () => undefined,
    (error: Error) => error,
  );
  return {
    failure,
    lines: reports.map(({ table, duty, outcome }) => `${table} ${duty} ${outcome}`),
    reports,
  };
}

it('writes a checkpoint of each table, and in a full pass does the rest', async () => {
  const lake = store();
  const tables = ['clicks', 'assets', 'dead_letters'].map((table) => ({ store: lake, table }));
  for (const at of tables.slice(0, 2)) await appendFiles(at, 3);
  expect((await pass({ tables, isFull: false })).lines).toEqual([
    'clicks checkpoint written',
    'assets checkpoint written',
    'dead_letters checkpoint no-table',
  ]);
  const { lines, failure, reports } = await pass({ tables });
  expect(failure).toBeUndefined();
  expect(lines).toEqual([
    'clicks checkpoint current',
    'assets checkpoint current',
    'dead_letters checkpoint no-table',
    'clicks clean done',
    'clicks vacuum done',
    'clicks compact done',
    'assets clean done',
    'assets vacuum done',
    'assets compact done',
    'dead_letters clean no-table',
  ]);
  expect(reports[5]).toMatchObject({
    version: 4,
    bins: 1,
    conflicts: 0,
    files: 3,
    bytes: expect.any(Number),
  });
  expect((await snapshotOf({ store: lake, table: 'clicks' })).files.size).toBe(1);
});

it('maintains the other tables if one is damaged, and then throws its error', async () => {
  const lake = store();
  const tables = ['damaged', 'sound'].map((table) => ({ store: lake, table }));
  for (const at of tables) await appendFiles(at, 2);
  await lake.put(commitPath('damaged', 2), Buffer.from('{'));
  const { lines, failure, reports } = await pass({ tables });
  expect(lines).toEqual([
    'damaged checkpoint failed',
    'sound checkpoint written',
    'damaged clean failed',
    'damaged vacuum failed',
    'damaged compact failed',
    'sound clean done',
    'sound vacuum done',
    'sound compact done',
  ]);
  expect(reports[0]).toMatchObject({ code: 'delta.invalid', retriable: false });
  expect(failure?.message).toBe('Maintenance failed: memory/damaged version 2, line 1: not JSON.');
});

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

it('does the other duties of a table when one fails', async () => {
  class Guarded extends DatedStore {
    override async delete(path: string) {
      if (path.endsWith('held.parquet')) throw new TributaryError('storage.refused', `${path} is held.`);
      return super.delete(path);
    }
  }
  const lake = new Guarded();
  const at = { store: lake, table: 'clicks' };
  await appendFiles(at, 3);
  await lake.put('clicks/held.parquet', Buffer.from('x'));
  lake.date('clicks/held.parquet', Date.now() - 30 * day);
  const { lines, failure } = await pass({ tables: [at] });
  expect(lines.slice(1)).toEqual(['clicks clean done', 'clicks vacuum failed', 'clicks compact done']);
  expect(failure?.message).toBe('Maintenance failed: clicks/held.parquet is held.');
  expect((await snapshotOf(at)).files.size).toBe(1);
});

it('leaves duties for the next pass if the time is over', async () => {
  class Slow extends MemoryStore {
    override async putIfAbsent(path: string, bytes: Uint8Array) {
      if (path === checkpointPath('clicks', 2)) await new Promise((resolve) => setTimeout(resolve, 300));
      return super.putIfAbsent(path, bytes);
    }
  }
  const at = { store: new Slow(), table: 'clicks' };
  await appendFiles(at, 2);
  const { lines, failure } = await pass({ tables: [at], limitMs: 200 });
  expect(lines).toEqual(['clicks checkpoint written', 'clicks clean out-of-time']);
  expect(failure).toBeUndefined();
});

it('gives each table an equal share of the time that is left', async () => {
  const lake = store();
  const tables = ['a', 'b', 'c'].map((table) => ({ store: lake, table }));
  for (const at of tables) await appendFiles(at, 1);
  const clock = vi.spyOn(Date, 'now').mockReturnValue(Date.now());
  const timeout = vi.spyOn(AbortSignal, 'timeout');
  onTestFinished(() => {
    clock.mockRestore();
    timeout.mockRestore();
  });
  await pass({ tables, limitMs: 60_000 });
  expect(timeout.mock.calls.map(([ms]) => ms)).toEqual([60_000, 60_000, 60_000, 20_000, 30_000, 60_000]);
});

it('is full once an hour', () => {
  const minutes = Array.from({ length: 12 }, (_, tick) => new Date(Date.UTC(2026, 0, 1, 7, tick * 5, 1)));
  expect(minutes.filter(isFullPassDue)).toEqual([minutes[0]]);
});

it.each(['checkpoint', 'clean', 'compact', 'vacuum'] as const)(
  'the duty %s says that there is no table',
  async (duty) => {
    expect(await performDuty(duty, { at: { store: store(), table: 'clicks' } })).toEqual({
      outcome: 'no-table',
    });
  },
);
