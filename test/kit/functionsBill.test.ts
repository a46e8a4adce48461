import { expect, it } from 'vitest';
import { billedSeconds, executionsOf, inSpan } from './functionsBill';

const run = (from: number, to: number) => ({ name: 'a', from, to });

it('nothing is billed without executions', () => {
  expect(billedSeconds([])).toBe(0);
});

it('executions at the same time are billed once, in whatever order they end', () => {
  expect(billedSeconds([run(2000, 5000), run(0, 4000), run(3000, 3500)])).toBe(5);
});

it('a stretch is billed for a second at least, then in tenths of a second, and each stretch by itself', () => {
  expect(billedSeconds([run(0, 10), run(10_000, 10_200), run(20_000, 22_910)])).toBe(5);
});

it('executions are read from the log, and cut to the time that is measured', () => {
  const log = [
    '[2026-01-01T00:00:02.000Z] DEBUG ingestClickstream: executed in 1500 ms',
    '[2026-01-01T00:00:02.000Z] INFORMATION ingestClickstream: {"event":"round"}',
    '[2026-01-01T00:00:09.000Z] DEBUG syncWarehouse: executed in 3 ms',
  ].join('\n');
  const at = (seconds: number) => Date.UTC(2026, 0, 1, 0, 0, seconds);
  const found = executionsOf(log);
  expect(found.map(({ name }) => name)).toEqual(['ingestClickstream', 'syncWarehouse']);
  expect(inSpan(found, at(1), at(8))).toEqual([{ name: 'ingestClickstream', from: at(1), to: at(2) }]);
});
