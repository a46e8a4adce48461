import { readFileSync } from 'node:fs';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { viewInDuckDb } from '../kit/serverlessViews';

/*
 * The queries of samples/notebooks/clicks.ipynb, as they stand there, against the views of the serverless pool. The interop suite runs the
 * notebook itself.
 */

const { cells }: { cells: { source: string[] }[] } = JSON.parse(
  readFileSync('samples/notebooks/clicks.ipynb', 'utf8'),
);
const code = cells.map(({ source }) => source.join('')).join('\n');

/** The query that a variable of the notebook has, or has the rows of. */
function queryOf(variable: string): string {
  const [, long, short] =
    new RegExp(`^${variable} = (?:query\\()?(?:"""([^"]*(?:"[^"]+)*)"""|"(.*)")`, 'm').exec(code) ?? [];
  const query = long ?? short;
  if (query === undefined) throw new Error(`The notebook has no query ${variable}.`);
  return query;
}

let connection: DuckDBConnection;
beforeAll(async () => {
  connection = await (await DuckDBInstance.create()).connect();
  // Few values, so that products, sessions and times meet; nulls among them.
  await connection.run(
    `CREATE TABLE clicks AS SELECT (n % 7)::INT AS productid,
       CASE WHEN n % 5 > 0 THEN TIMESTAMP '2026-01-01' + INTERVAL ((n * 37) % 50) SECOND END AS "timestamp",
       nullif(n % 13, 5) AS sessionid, nullif(n % 4, 2)::INT AS category,
       TIMESTAMP '2026-01-01' + INTERVAL ((n * 17) % 23 * 13) SECOND AS enqueued_at,
       (n % 2)::INT AS hub_partition, n AS sequence_number, 0 AS element FROM range(300) t(n)`,
  );
});
afterAll(() => connection.closeSync());

const rowsOf = async (query: string) => (await connection.runAndReadAll(query)).getRowsJson();

it.each([
  ['per_product', 'SELECT productid, category, clicks FROM view ORDER BY clicks DESC, productid'],
  [
    'sessions',
    'SELECT sessionid, seconds, first_product, last_product, clicks FROM view ORDER BY clicks DESC, sessionid',
  ],
  ['minutes', 'SELECT enqueued_minute, clicks FROM view ORDER BY enqueued_minute'],
])('%s has the rows of the view', async (variable, ofView) => {
  const view = { per_product: 'clicks_per_product', sessions: 'clicks_per_session' }[variable];
  const expected = await rowsOf(`WITH view AS (${viewInDuckDb(view ?? 'clicks_per_minute')}) ${ofView}`);
  expect(expected.length).toBeGreaterThan(4);
  expect(await rowsOf(queryOf(variable))).toEqual(expected);
});

it('categories has the clicks of each, and those without one', async () => {
  expect(await rowsOf(queryOf('categories'))).toEqual([
    [0, '75'],
    [1, '75'],
    [3, '75'],
    [null, '75'],
  ]);
});
