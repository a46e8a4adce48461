import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { describePass } from '../../../src/cli/describePass';
import {
  type MaintenanceReport,
  type MaintenanceTools,
  maintenanceActivities,
} from '../../../src/lib/app/maintenanceActivities';
import { runHere } from '../../../src/lib/app/runHere';
import { commitPath, type TableLocation } from '../../../src/lib/delta/log';
import { TributaryError } from '../../../src/lib/errors';
import {
  type MaintenanceInput,
  type MaintenanceResult,
  maintainTables,
  maintenanceSteps,
} from '../../../src/lib/orchestrations/maintainTables';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import { appendFiles, readRows, snapshotOf } from '../maintenance/table';
import { record } from './history';
import { scenarios } from './scenarios';

interface Passed {
  readonly result: MaintenanceResult;
  readonly statuses: unknown[];
  readonly lines: string[];
}

/** A pass over tables of a store, as one process does it. */
async function pass(
  store: MemoryStore,
  input: Partial<MaintenanceInput> = {},
  tools: Partial<MaintenanceTools> = {},
): Promise<Passed> {
  const statuses: unknown[] = [];
  const lines: string[] = [];
  const activities = maintenanceActivities({
    at: (table) => ({ store, table }),
    targetBytes: 1_000_000,
    saveCounts: async () => ({ outcome: 'saved' }),
    report: ({ table, step, outcome }) => lines.push([table, step, outcome].filter(Boolean).join(' ')),
    ...tools,
  });
  const whole = { tables: ['clicks'], steps: maintenanceSteps, fullAt: null, ...input };
  const onStatus = (status: unknown) => statuses.push(status);
  return { result: await runHere(maintainTables, whole, { activities, onStatus }), statuses, lines };
}

async function filled(store: MemoryStore, table: string, files: number): Promise<TableLocation> {
  const at = { store, table };
  await appendFiles(at, files);
  return at;
}

const sizeOfFile = async (at: TableLocation) => [...(await snapshotOf(at)).files.values()][0]?.size ?? 0;

it('makes a checkpoint of each table first, then takes the other steps table by table, and saves the counts', async () => {
  const store = new MemoryStore();
  for (const table of ['clicks', 'assets']) await filled(store, table, 3);
  const { lines, result, statuses } = await pass(store, { tables: ['clicks', 'assets', 'dead_letters'] });
  expect(lines).toEqual([
    'clicks checkpoint written',
    'assets checkpoint written',
    'dead_letters checkpoint no-table',
    'clicks clean done',
    'clicks vacuum done',
    'clicks compact planned',
    'clicks compact committed',
    'clicks compact planned',
    'assets clean done',
    'assets vacuum done',
    'assets compact planned',
    'assets compact committed',
    'assets compact planned',
    'counts saved',
  ]);
  expect(result).toMatchObject({
    tables: [
      {
        table: 'clicks',
        steps: { checkpoint: 'written', clean: 'done', vacuum: 'done', compact: 'done' },
        compaction: {
          before: { version: 3, files: 3 },
          after: { version: 4, files: 1 },
          bins: 1,
          conflicts: 0,
          left: 0,
        },
      },
      { table: 'assets' },
      { table: 'dead_letters', steps: { checkpoint: 'no-table' } },
    ],
    counts: 'saved',
    failures: [],
  });
  expect(statuses[0]).toEqual({ table: 'clicks', step: 'checkpoint', done: 0, total: 13 });
  expect(statuses.at(-1)).toEqual({ table: null, step: 'counts', done: 14, total: 15 });
});

it('takes only the steps that are asked for', async () => {
  const store = new MemoryStore();
  await filled(store, 'clicks', 3);
  expect((await pass(store, { steps: ['checkpoint', 'counts'] })).lines).toEqual([
    'clicks checkpoint written',
    'counts saved',
  ]);
  expect((await pass(store, { steps: ['vacuum'] })).lines).toEqual(['clicks vacuum done']);
});

it('goes on if a step fails, and says in the result what failed', async () => {
  const store = new MemoryStore();
  for (const table of ['damaged', 'sound']) await filled(store, table, 3);
  await store.put(commitPath('damaged', 3), Buffer.from('{'));
  const saveCounts = () => Promise.reject(new TributaryError('storage.unavailable', 'The lake is away.'));
  const { result, lines } = await pass(store, { tables: ['damaged', 'sound'] }, { saveCounts });
  expect(lines).toContain('sound compact committed');
  const damage = {
    outcome: 'failed',
    code: 'delta.invalid',
    message: 'memory/damaged version 3, line 1: not JSON.',
    retriable: false,
    table: 'damaged',
  };
  expect(result.failures).toEqual([
    ...['checkpoint', 'clean', 'vacuum', 'compact'].map((step) => ({ ...damage, step })),
    {
      outcome: 'failed',
      code: 'storage.unavailable',
      message: 'The lake is away.',
      retriable: true,
      table: null,
      step: 'counts',
    },
  ]);
});

it('names the table whose counts were not saved, in the result and in the log', async () => {
  const failed = { outcome: 'failed', code: 'parquet.invalid', message: 'No.', retriable: false } as const;
  const reports: MaintenanceReport[] = [];
  const { result } = await pass(
    new MemoryStore(),
    { steps: ['counts'] },
    {
      saveCounts: async () => ({ ...failed, table: 'clicks' }),
      report: (line) => void reports.push(line),
    },
  );
  expect(result.failures).toEqual([{ ...failed, table: 'clicks', step: 'counts' }]);
  expect(reports).toMatchObject([{ ...failed, table: 'clicks', step: 'counts' }]);
  expect(describePass(result)).toContainEqual(
    expect.stringMatching(/^clicks: counts failed, parquet\.invalid: No\. "npm run table -- check clicks"/),
  );
});

it('keeps secrets and long texts out of its result, which is stored', async () => {
  const secret = 'https://lake.blob.core.windows.net/lake?sig=abc%2Bdef';
  const saveCounts = () => Promise.reject(new Error(`No answer from ${secret} ${'x'.repeat(1000)}`));
  const { result } = await pass(new MemoryStore(), { steps: ['counts'] }, { saveCounts });
  expect(result.failures[0]?.message).toMatch(
    /^No answer from https:\/\/lake\.blob\.core\.windows\.net\/lake\?sig=\*\*\* x+$/,
  );
  expect(result.failures[0]?.message).toHaveLength(500);
});

it('does every bin of a plan, those that need more time again, and keeps all rows', async () => {
  const store = new MemoryStore();
  const at = await filled(store, 'clicks', 12);
  const before = await readRows(at);
  const targetBytes = (await sizeOfFile(at)) * 4.5;
  const { result, lines } = await pass(store, { steps: ['compact'] }, { targetBytes, readMs: 0 });
  // Three bins of four files, of which each try takes two.
  expect(lines.filter((line) => line === 'clicks compact committed')).toHaveLength(6);
  expect(result.tables[0]?.compaction).toMatchObject({
    before: { version: 12, files: 12 },
    after: { version: 18, files: 6 },
    bins: 3,
  });
  expect(await readRows(at)).toEqual(before);
});

it('leaves a bin to the next pass that comes to no end', async () => {
  const store = new MemoryStore();
  await filled(store, 'clicks', 30);
  const { result, lines } = await pass(store, { steps: ['compact'] }, { readMs: 0 });
  expect(lines.filter((line) => line === 'clicks compact committed')).toHaveLength(5);
  expect(result.tables[0]?.compaction).toMatchObject({ after: { files: 25 }, left: 1 });
});

it('ends each step in its time, tries it again, and then goes on', async () => {
  /** Each read takes longer than the time of an activity. */
  class Slow extends MemoryStore {
    override async get(path: string) {
      await sleep(5);
      return super.get(path);
    }
  }
  const store = new Slow();
  await filled(store, 'clicks', 2);
  const { result, lines } = await pass(store, { steps: ['clean', 'vacuum', 'compact'] }, { limitMs: 1 });
  expect(lines).toEqual([
    ...Array.from({ length: 5 }, () => 'clicks clean out-of-time'),
    ...Array.from({ length: 5 }, () => 'clicks vacuum out-of-time'),
    ...Array.from({ length: 5 }, () => 'clicks compact out-of-time'),
  ]);
  expect(result.tables[0]?.steps).toEqual({
    clean: 'out-of-time',
    vacuum: 'out-of-time',
    compact: 'out-of-time',
  });
  expect(result.failures).toEqual([]);
});

it('makes the checkpoints that fall due while a long compaction runs', async () => {
  const { histories, result } = await scenarios.maintainTables.run();
  const asked = histories[0]?.events.map((event) => JSON.stringify(event.asked)) ?? [];
  const firstBin = asked.findIndex((one) => one.includes('compactBin'));
  const lastBin = asked.findLastIndex((one) => one.includes('compactBin'));
  const between = asked.slice(firstBin, lastBin);
  expect(between.filter((one) => one.includes('"step":"checkpoint"')).length).toBeGreaterThan(3);
  expect(result).toMatchObject({
    failures: expect.arrayContaining([expect.objectContaining({ message: 'Error: The process ended.' })]),
  });
});

it('makes them once in five minutes, however many bins come in between', async () => {
  const store = new MemoryStore();
  const at = (table: string) => ({ store, table });
  await appendFiles(at('clicks'), 30);
  const [first] = [...(await snapshotOf(at('clicks'))).files.values()];
  let [now, checkpoints, bins] = [0, 0, 0];
  const activities = maintenanceActivities({
    ...{ at, targetBytes: (first?.size ?? 0) * 3.7, saveCounts: async () => ({ outcome: 'saved' }) },
    report: ({ step }) => {
      if (step === 'checkpoint') checkpoints++;
    },
  });
  await runHere(
    maintainTables,
    { tables: ['clicks'], steps: maintenanceSteps, fullAt: null },
    {
      now: () => now,
      activities: {
        ...activities,
        compactBin: (input) => {
          now += 75_000;
          bins++;
          return activities.compactBin(input);
        },
      },
    },
  );
  // Ten bins, two at once, end at 150, 300, 450, 600 and 750 s. One checkpoint is made at the beginning, and one after 300 and 600 s.
  expect({ bins, checkpoints }).toEqual({ bins: 10, checkpoints: 3 });
});

it('says that it does not know how large a table is now, if the table cannot be read again at the end', async () => {
  const store = new MemoryStore();
  await filled(store, 'clicks', 3);
  const activities = maintenanceActivities({
    at: (table) => ({ store, table }),
    targetBytes: 1_000_000,
    saveCounts: async () => ({ outcome: 'saved' }),
  });
  let plans = 0;
  const planCompaction = async (input: { table: string }) =>
    ++plans === 1
      ? activities.planCompaction(input)
      : { outcome: 'out-of-time' as const, more: true as const };
  const input = { tables: ['clicks'], steps: ['compact' as const], fullAt: null };
  const result = await runHere(maintainTables, input, { activities: { ...activities, planCompaction } });
  expect(plans).toBe(6);
  expect(result.tables[0]?.compaction).toMatchObject({
    before: { files: 3 },
    after: null,
    bins: 1,
    left: null,
  });
  expect(describePass(result)).toEqual([
    expect.stringMatching(
      /^clicks: compact done: 1 bin; .* -> not known, because it could not be read again$/,
    ),
  ]);
});

it('needs a short history, whatever the number of bins', async () => {
  const bin = { outcome: 'committed' as const, version: 1, inputs: 2000, inputBytes: 1, outputBytes: 1 };
  const position = { tableId: 'd6b3a1e8-0000-4000-8000-000000000000', version: 1, mark: 'a'.repeat(64) };
  const { histories } = await record(
    maintainTables,
    { tables: ['clicks'], steps: ['compact'], fullAt: null },
    {
      activities: {
        maintenanceStep: async () => ({ outcome: 'done' }),
        saveCounts: async () => ({ outcome: 'saved' }),
        planCompaction: async () => ({
          outcome: 'planned' as const,
          plan: { position, targetBytes: 1, bins: 100_000 },
          figures: { version: 1, files: 200_000_000, bytes: 1 },
        }),
        compactBin: async () => bin,
      },
    },
  );
  expect(histories[0]?.events).toHaveLength(102);
  expect(JSON.stringify(histories).length).toBeLessThan(150_000);
});
