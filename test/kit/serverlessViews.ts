import { readFileSync } from 'node:fs';

/*
 * Translates the views of deploy/sql/serverless.sql to DuckDB, word by word where the words differ. The interop tests have them translated
 * by another parser.
 */

const script = readFileSync('deploy/sql/serverless.sql', 'utf8');

/** The start of the minute of `enqueued_at`, in T-SQL. */
const minute = "DATEADD(minute, DATEDIFF(minute, '2020-01-01', enqueued_at), '2020-01-01')";

/** The batches of the script, without comments. */
export const serverlessBatches: readonly string[] = script
  .replace(/^--.*\n/gm, '')
  .split(/^GO$/m)
  .map((batch) => batch.trim())
  .filter(Boolean);

/** The query of a view in T-SQL. */
export function viewInTsql(view: string): string {
  const [, query] = new RegExp(`CREATE VIEW dbo\\.${view} AS\\n([^;]+);`).exec(script) ?? [];
  if (query === undefined) throw new Error(`deploy/sql/serverless.sql has no view ${view}.`);
  return query;
}

/** The query of a view in the words of DuckDB. Its tables are in the main schema. */
export const viewInDuckDb = (view: string): string =>
  viewInTsql(view)
    .replaceAll(minute, "date_trunc('minute', enqueued_at)")
    .replaceAll('COUNT_BIG', 'COUNT')
    .replaceAll('DATEDIFF_BIG(millisecond,', "date_diff('millisecond',")
    .replace(/\[(\w+)\]/g, '"$1"')
    .replaceAll('dbo.', '');
