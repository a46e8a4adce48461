import { expect, it } from 'vitest';
import { describePass, describePlan } from '../../src/cli/describePass';

it.each([
  [{ outcome: 'done', deleted: 3, bytes: 1234 }, 'would delete 3 files, 1,234 bytes'],
  [{ outcome: 'done', deleted: 0, bytes: 0 }, 'would delete nothing'],
  [{ outcome: 'done', deleted: 1, oldest: 20 }, 'would delete 1 file of the log'],
  [
    { outcome: 'disabled', deleted: 0, oldest: undefined },
    'would delete nothing: a property of the table switches it off',
  ],
  [
    { outcome: 'done', version: 9, bins: 2, conflicts: 0, files: 30, bytes: 1 },
    'would rewrite 30 files, 1 byte, in 2 bins',
  ],
  [{ outcome: 'done', version: 9, bins: 0, conflicts: 0, files: 0, bytes: 0 }, 'would rewrite nothing'],
])('a dry run of %j %s', (plan, text) => {
  expect(describePlan(plan)).toBe(text);
});

it('a pass says which files cannot be rewritten, in one line whatever the columns are called', () => {
  const figures = { version: 3, files: 5, bytes: 100 };
  const kept = { files: 2, columns: ['price', 'a\nb'] };
  const compaction = { before: figures, after: { ...figures, kept }, bins: 0, conflicts: 0, left: 0 };
  const tables = [{ table: 'clicks', steps: { compact: 'done' }, compaction }];
  expect(describePass({ tables, counts: null, failures: [] })).toEqual([
    'clicks: compact done: 0 bins; version 3 with 5 files, 100 bytes -> version 3 with 5 files, 100 bytes, of which 2 files cannot be rewritten, for values in price, a\\nb',
  ]);
});

it('a pass of the counts alone says nothing of the tables, which it left alone', () => {
  const tables = [{ table: 'assets', steps: {} }];
  expect(describePass({ tables, counts: 'saved', failures: [] })).toEqual(['counts: saved']);
});

it('a pass that met a file that is gone names the command that finds all of them', () => {
  const message = 'devstoreaccount1/lake: clicks version 3: part-1.parquet is gone.';
  const gone = { outcome: 'failed' as const, retriable: false, code: 'parquet.invalid', message };
  const failures = [
    { ...gone, table: 'clicks', step: 'compact' as const },
    { ...gone, table: null, step: 'counts' as const, message: 'another' },
  ];
  expect(describePass({ tables: [], counts: null, failures })).toEqual([
    `clicks: compact failed, parquet.invalid: ${message} "npm run table -- check clicks" names every such file; docs/errors.md says how to mend the table.`,
    'counts failed, parquet.invalid: another',
  ]);
});

it('a reason for which several steps failed is told once, with how many there were', () => {
  const away = (table: string | null, step: 'checkpoint' | 'clean' | 'counts', what: string) => ({
    ...{ outcome: 'failed' as const, retriable: true, table, step, code: 'storage.unavailable' },
    message: `devstoreaccount1/lake: ${what}: 5 tries failed, the last with: ECONNREFUSED connect ECONNREFUSED 127.0.0.1:10000.`,
  });
  const damage = {
    outcome: 'failed' as const,
    retriable: true,
    code: 'delta.invalid',
    message: 'clicks: version 3 is\nmissing.',
  };
  const failures = [
    away('clicks', 'checkpoint', 'get clicks/_delta_log/_last_checkpoint'),
    away('assets', 'clean', 'list assets/_delta_log/'),
    away(null, 'counts', 'get clicks/_counts/state.json'),
    { ...damage, table: 'clicks', step: 'clean' as const },
    { ...damage, table: 'clicks', step: 'compact' as const },
    { ...damage, table: 'assets', step: 'compact' as const, message: 'assets: version 9 is missing.' },
  ];
  expect(describePass({ tables: [], counts: 'failed', failures })).toEqual([
    'counts: failed',
    'clicks: checkpoint and 2 other steps failed, storage.unavailable: devstoreaccount1/lake: get clicks/_delta_log/_last_checkpoint: 5 tries failed, the last with: ECONNREFUSED connect ECONNREFUSED 127.0.0.1:10000. Nothing runs there: start "npm start" or "npm run emulators", or correct the settings.',
    'clicks: clean and 1 other step failed, delta.invalid: clicks: version 3 is\\nmissing.',
    'assets: compact failed, delta.invalid: assets: version 9 is missing.',
  ]);
});

it('counts that were not saved are told without their name twice', () => {
  const failure = {
    outcome: 'failed' as const,
    retriable: true,
    table: null,
    step: 'counts' as const,
    code: 'unknown',
  };
  expect(describePass({ tables: [], counts: 'failed', failures: [{ ...failure, message: 'No.' }] })).toEqual([
    'counts: failed',
    'counts failed, unknown: No.',
  ]);
});
