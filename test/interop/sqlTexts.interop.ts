import { readFileSync } from 'node:fs';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tableFields } from '../../src/lib/lake/rowAddress';
import { MemoryStore } from '../../src/lib/storage/memoryStore';
import { clickstream } from '../../src/lib/streams/clickstream';
import type { WarehouseTable } from '../../src/lib/streams/stream';
import { createViews, createTable as duckDbTable } from '../../src/lib/warehouse/duckdb/tables';
import { askEngine } from '../../src/lib/warehouse/synapse/engine';
import { askRights, askRoles } from '../../src/lib/warehouse/synapse/sqlReader';
import { createView, wholeScript } from '../../src/lib/warehouse/synapse/tables';
import { assetStream } from '../kit/assetStream';
import { Peer } from '../kit/peer';
import { serverlessBatches, viewInDuckDb, viewInTsql } from '../kit/serverlessViews';
import { appWork } from '../lib/warehouse/appWork';

/*
 * Every statement that the app sends to a database, read by another parser of T-SQL than the one that we wrote for our tests. What that
 * parser does not know is listed here: of it only our own server has said that it is well-formed.
 */

const tables = [clickstream, assetStream].map(({ warehouse }) => warehouse as WarehouseTable);
let peer: Peer;
beforeAll(() => {
  peer = new Peer('test/interop/sqlPeer.py');
});
afterAll(() => peer.close());

const duckDbTypes: Readonly<Record<string, string>> = {
  integer: 'INTEGER',
  long: 'BIGINT',
  double: 'DOUBLE',
  string: 'VARCHAR',
  timestamp: 'TIMESTAMP',
};

/** Of dedicated pools alone. */
const unknown = [/^COPY INTO /, /^RENAME OBJECT /, /\bRENAME OBJECT /];
/** Options that the parser does not know, after columns that it does. */
const poolOptions = / WITH \(DISTRIBUTION = [A-Z_]+(?:\([^)]*\))?, [A-Z ]+(?:\([^)]*\))?\)/g;
/** It knows the blocks of IF, and skims over what is between them. */
const skimmed = /^(?:END ELSE BEGIN|END$)/;

/** The texts without the options of the client's connections, each kind once. */
function kinds(texts: readonly string[]): string[] {
  const byShape = new Map(texts.map((text) => [text.replace(/'(?:[^']|'')*'|\d+/g, '?'), text]));
  return [...byShape.values()].filter(
    (text) => !text.startsWith('set ansi_nulls') && !/^insert bulk /i.test(text),
  );
}

describe.each(['pool', 'server'] as const)('what the app sends to a %s', (dialect) => {
  it('is T-SQL', async () => {
    const { batches, problems } = await appWork({ dialect, lake: new MemoryStore() });
    expect(problems).toEqual([]);
    const texts = kinds([
      ...batches,
      ...wholeScript(tables, dialect).split(/^GO$/m),
      askEngine,
      askRights('clickstream.clicks', 'OBJECT'),
      askRoles,
    ]);
    expect(texts.length).toBeGreaterThan(20);
    const wrong: string[] = [];
    for (const text of texts) {
      if (unknown.some((pattern) => pattern.test(text)) && dialect === 'pool') continue;
      const known = text.replace(poolOptions, '');
      const commands = await peer
        .call<string[]>('parse', { text: known })
        .catch((error: unknown) => [String(error)]);
      const others = commands.filter((command) => !skimmed.test(command));
      if (others.length > 0) wrong.push(`${others.join(' | ')} in: ${text.slice(0, 200)}`);
    }
    expect(wrong).toEqual([]);
  });
});

it('the script of a serverless pool is T-SQL, as far as the parser knows what only such pools have', async () => {
  const known = serverlessBatches.filter(
    (batch) =>
      !/\b(?:DROP EXTERNAL|CREATE (?:EXTERNAL (?:DATA|FILE)|MASTER|DATABASE SCOPED))\b|\bOPENROWSET\b/.test(
        batch,
      ),
  );
  expect(known.length).toBeGreaterThan(10);
  const skimmedTexts = await Promise.all(known.map((text) => peer.call<string[]>('parse', { text })));
  expect(skimmedTexts.flat().filter((text) => !skimmed.test(text))).toEqual([]);
});

it('the views of a serverless pool have the same rows in DuckDB, translated by the parser and word by word', async () => {
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  await connection.run(
    `CREATE TABLE clicks AS SELECT (n % 7)::int AS productid, TIMESTAMP '2026-01-01' + INTERVAL (n * 37 % 500) SECOND AS "timestamp", n % 13 AS sessionid, (n % 4)::int AS category, TIMESTAMP '2026-01-01' + INTERVAL (n * 17 % 290) SECOND AS enqueued_at, 0 AS hub_partition, n AS sequence_number, 0 AS element FROM range(1000) t(n)`,
  );
  for (const view of ['clicks_per_product', 'clicks_per_minute', 'clicks_per_session']) {
    const text = viewInTsql(view).replaceAll('dbo.', '');
    const [translated = ''] = await peer.call<string[]>('to_duckdb', { text });
    const rowsOf = async (query: string) =>
      (await connection.runAndReadAll(`SELECT * FROM (${query}) ORDER BY 1`)).getRowsJson();
    const rows = await rowsOf(viewInDuckDb(view));
    expect(rows.length).toBeGreaterThan(4);
    expect(await rowsOf(translated)).toEqual(rows);
  }
  connection.closeSync();
});

it('the queries of docs/synapse.md are one statement each, over tables, views and columns that there are', async () => {
  const queries = [...readFileSync('docs/synapse.md', 'utf8').matchAll(/^```sql\n([^`]+)^```$/gm)];
  expect(queries.length).toBeGreaterThan(5);
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  await connection.run('CREATE SCHEMA dbo; USE dbo; CREATE MACRO getutcdate() AS now()::TIMESTAMP');
  for (const stream of [clickstream, assetStream]) {
    const columns = tableFields(stream).map(({ name, type }) => `"${name}" ${duckDbTypes[String(type)]}`);
    await connection.run(`CREATE TABLE ${stream.table} (${columns.join(', ')})`);
  }
  for (const view of ['clicks_per_product', 'clicks_per_minute', 'clicks_per_session', 'newest_assets'])
    await connection.run(`CREATE VIEW ${view} AS ${viewInDuckDb(view)}`);
  for (const table of tables) {
    await connection.run(`CREATE SCHEMA ${table.schema}`);
    await connection.run(duckDbTable(table));
    for (const statement of createViews(table)) await connection.run(statement);
  }
  for (const [, text = ''] of queries) {
    const [query = '', ...others] = await peer.call<string[]>('to_duckdb', { text });
    expect(others).toEqual([]);
    expect((await connection.runAndReadAll(query)).columnNames().length).toBeGreaterThan(1);
  }
  connection.closeSync();
});

describe('the views in T-SQL', () => {
  it('are one statement each, and have the results of those in DuckDB', async () => {
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    for (const table of tables) {
      await connection.run(`CREATE SCHEMA ${table.schema}`);
      await connection.run(duckDbTable(table));
    }
    // Few values, so that products, sessions, times and prices meet; nulls among them.
    await connection.run(
      `INSERT INTO clickstream.clicks SELECT n % 7, TIMESTAMP '2026-01-01' + INTERVAL (CASE WHEN n % 11 = 0 THEN NULL ELSE (n * 37) % 50 END) SECOND + INTERVAL (n % 3) MILLISECOND, nullif(n % 13, 5), nullif(n % 4, 2), TIMESTAMP '2026-01-01' + INTERVAL ((n * 17) % 29) SECOND, TIMESTAMP '2026-01-01', n % 2, n, 0 FROM range(1000) t(n)`,
    );
    await connection.run(
      `INSERT INTO assets.asset_statistics_history_v3 (id, symbol, priceUsd, runtime_timestamp) SELECT 'asset' || n % 9, 's', nullif((n * 31) % 17, 3), TIMESTAMP '2026-01-01' + INTERVAL (n % 5) SECOND FROM range(500) t(n)`,
    );
    for (const table of tables) {
      for (const statement of createViews(table)) await connection.run(statement);
      for (const view of table.views ?? []) {
        const [text = '', ...others] = await peer.call<string[]>('to_duckdb', {
          text: createView(table, view),
        });
        expect(others).toEqual([]);
        const name = `${table.schema}.${view.name}`;
        await connection.run(text.replace(/VIEW "?\w+"?\."?\w+"?/, `VIEW ${name}_of_tsql`));
        const rowsOf = async (from: string) =>
          (await connection.runAndReadAll(`SELECT * FROM ${from} ORDER BY 1`)).getRowsJson();
        const rows = await rowsOf(`${name}_of_tsql`);
        expect(rows.length).toBeGreaterThan(5);
        expect(rows).toEqual(await rowsOf(name));
      }
    }
    connection.closeSync();
    instance.closeSync();
  });
});
