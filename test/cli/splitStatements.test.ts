import { expect, it } from 'vitest';
import { splitStatements } from '../../src/cli/splitStatements';

it.each<[sql: string, statements: string[], rest: string]>([
  ['select 1; select 2;\nselect', ['select 1', ' select 2'], '\nselect'],
  [`select ';', "a;b", 'it''s;';`, [`select ';', "a;b", 'it''s;'`], ''],
  [
    'select 1 -- a; b\n; /* c; */ select $$d;$$, $e$;$e$;',
    ['select 1 -- a; b\n', ' /* c; */ select $$d;$$, $e$;$e$'],
    '',
  ],
  [`select 'not; closed`, [], `select 'not; closed`],
  ['select /* not; closed', [], 'select /* not; closed'],
  [';; ;', [], ''],
])('divides SQL at the semicolons that end statements: %s', (sql, statements, rest) => {
  expect(splitStatements(sql)).toEqual({ statements, rest });
});
