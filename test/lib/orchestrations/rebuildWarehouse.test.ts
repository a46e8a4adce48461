import { expect, it } from 'vitest';
import { type RebuildStepOutcome, rebuildWarehouse } from '../../../src/lib/orchestrations/rebuildWarehouse';
import { type Recorded, record } from './history';
import { scenarios } from './scenarios';

const table = 'clickstream.clicks';

interface Run extends Recorded {
  readonly inputs: unknown[];
}

/** A rebuild whose steps end as they are told. */
async function rebuilt(outcome: (step: number) => RebuildStepOutcome, yes = false): Promise<Run> {
  const inputs: unknown[] = [];
  const rebuildStep = async (input: unknown) => {
    inputs.push(input);
    return outcome(inputs.length);
  };
  return { inputs, ...(await record(rebuildWarehouse, { table, yes }, { activities: { rebuildStep } })) };
}

const stopped = (step: number, of: number): RebuildStepOutcome => ({
  outcome: 'stopped',
  more: true,
  files: step,
  of,
  isHeld: false,
});

it('takes steps until the table is rebuilt, and tells how many files are left', async () => {
  const { result, statuses } = await rebuilt((step) =>
    step < 4 ? stopped(step, 3) : { outcome: 'rebuilt', version: 7 },
  );
  expect(result).toEqual({ outcome: 'rebuilt', version: 7, table, steps: 4 });
  expect(statuses).toEqual([
    { table, done: null, total: null, left: null },
    { table, done: 1, total: 3, left: 2 },
    { table, done: 2, total: 3, left: 1 },
    { table, done: 3, total: 3, left: 0 },
  ]);
});

it('keeps its history under 100 KB in a rebuild of 10,000 steps', async () => {
  const { result, histories } = await rebuilt((step) =>
    step < 10_000 ? stopped(step, 10_000) : { outcome: 'rebuilt', version: 10_000 },
  );
  expect(result).toMatchObject({ outcome: 'rebuilt', steps: 10_000 });
  const sizes = histories.map((history) => JSON.stringify(history).length);
  expect(histories).toHaveLength(500);
  expect(Math.max(...sizes)).toBeLessThan(100_000);
});

it('has every step ask what would be lost, and ends if that is something, whenever it comes', async () => {
  const lost = ['the index ix_products'];
  for (const last of [1, 2, 30]) {
    const { result, inputs } = await rebuilt((step) =>
      step < last ? stopped(step, 30) : { outcome: 'would-lose', lost },
    );
    expect(result).toEqual({ outcome: 'would-lose', lost, table, steps: last });
    expect(inputs).toEqual(Array.from({ length: last }, () => ({ table, mayLose: false, isHeld: false })));
  }
  expect((await rebuilt(() => ({ outcome: 'rebuilt', version: 1 }), true)).inputs).toEqual([
    { table, mayLose: true, isHeld: false },
  ]);
});

it('asks again what would be lost if the step that was to ask has failed', async () => {
  const failed = {
    outcome: 'failed',
    code: 'warehouse.unavailable',
    message: 'Paused.',
    retriable: true,
  } as const;
  const { inputs, result } = await rebuilt((step) => {
    if (step === 1) return failed;
    return { outcome: 'would-lose', lost: ['the index ix_products'] };
  });
  expect(inputs).toEqual([1, 2].map(() => ({ table, mayLose: false, isHeld: false })));
  expect(result).toMatchObject({ outcome: 'would-lose', steps: 2 });
});

it('goes on after a failure that may pass, also after the end of a process', async () => {
  const { result, statuses, histories } = await scenarios.rebuildWarehouse.run();
  expect(result).toMatchObject({ outcome: 'rebuilt', steps: 25 });
  expect(histories).toHaveLength(2);
  expect(histories[0]?.events.filter(({ asked }) => 'timer' in asked)).toHaveLength(3);
  expect(statuses).toContainEqual(expect.objectContaining({ problem: 'The pool is paused.' }));
  expect(statuses).toContainEqual(expect.objectContaining({ problem: 'Error: The process ended.' }));
});

it('ends with a failure that does not pass, and after ten failures in a row, wherever the history begins', async () => {
  const failed = (retriable: boolean): RebuildStepOutcome => ({
    outcome: 'failed',
    code: 'warehouse.schema',
    message: 'A column is missing.',
    retriable,
  });
  expect((await rebuilt(() => failed(false))).result).toEqual({ ...failed(false), table, steps: 1 });
  const { result } = await rebuilt((step) => (step <= 15 ? stopped(step, 15) : failed(true)));
  expect(result).toEqual({ ...failed(true), table, steps: 25 });
});

it('tells the next step that the table is held, also if the history begins anew between them', async () => {
  const { inputs } = await rebuilt((step) =>
    step < 21
      ? { outcome: 'stopped', more: true, files: 1, of: 1, isHeld: step === 20 }
      : { outcome: 'rebuilt-elsewhere' },
  );
  expect(inputs.slice(19)).toEqual([
    { table, mayLose: false, isHeld: false },
    { table, mayLose: false, isHeld: true },
  ]);
});
