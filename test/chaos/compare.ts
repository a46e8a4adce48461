import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { type BodyMaker, sessionOf } from './bodies';
import { downloadTable } from './lakeFiles';
import type { HeldEvent } from './readHub';

export interface Comparison {
  /** The number of elements that must be rows. */
  readonly expectedRows: number;
  /** The number of rows in the table. */
  readonly rows: number;
  /** The number of elements that must be letters. */
  readonly expectedLetters: number;
  /** The number of different letters in the table. */
  readonly letters: number;
  /** Elements that are missing, unexpected or doubled. */
  readonly problems: readonly string[];
}

export interface CompareOptions {
  readonly storageConnection: string;
  readonly held: readonly HeldEvent[];
  readonly bodies: BodyMaker;
  /** The folder for temporary files. */
  readonly folder: string;
}

/** Lets DuckDB compare the events in the hub, element by element, with the files that the Delta logs name. */
export async function compareWithHub(options: CompareOptions): Promise<Comparison> {
  const { storageConnection, held, bodies, folder } = options;
  const expected = join(folder, 'expected.csv');
  writeFileSync(expected, describeExpected(held, bodies));
  const clicks = await downloadTable(storageConnection, 'clicks', folder);
  const letters = await downloadTable(storageConnection, 'dead_letters', folder);
  const instance = await DuckDBInstance.create(':memory:', { threads: '2' });
  const connection = await instance.connect();
  const select = async (sql: string) => (await connection.runAndReadAll(sql)).getRowObjectsJson();
  try {
    await connection.run(`CREATE TABLE expected AS SELECT * FROM read_csv('${expected}', header = true,
      columns = {fate: 'VARCHAR', p: 'INTEGER', s: 'BIGINT', e: 'INTEGER', session: 'BIGINT', body: 'VARCHAR'})`);
    await connection.run(
      `CREATE TABLE rows AS ${selectFrom(
        clicks.files,
        'hub_partition AS p, sequence_number AS s, element AS e, sessionid AS session',
        'NULL::INTEGER AS p, NULL::BIGINT AS s, NULL::INTEGER AS e, NULL::BIGINT AS session',
      )}`,
    );
    await connection.run(
      `CREATE TABLE letters AS SELECT DISTINCT * FROM (${selectFrom(
        letters.files,
        `stream, hub_partition AS p, sequence_number AS s, element AS e, reason, ${bodyBytes} AS body`,
        'NULL AS stream, NULL::INTEGER AS p, NULL::BIGINT AS s, NULL::INTEGER AS e, NULL AS reason, NULL AS body',
      )}) WHERE stream = 'clickstream'`,
    );
    const problems: string[] = [];
    for (const [what, sql] of Object.entries(questions)) {
      const found = await select(`SELECT count(*) OVER () AS n, * FROM (${sql}) LIMIT 10`);
      for (const [index, { n, ...values }] of found.entries()) {
        if (index === 0) problems.push(`${n} ${what}:`);
        problems.push(`  ${JSON.stringify(values)}`);
      }
    }
    const [counts = {}] = await select(`SELECT
      (SELECT count(*) FROM expected WHERE fate = 'row') AS expected_rows, (SELECT count(*) FROM rows) AS rows,
      (SELECT count(*) FROM expected WHERE fate <> 'row') AS expected_letters, (SELECT count(*) FROM letters) AS letters`);
    return {
      expectedRows: Number(counts.expected_rows),
      rows: Number(counts.rows),
      expectedLetters: Number(counts.expected_letters),
      letters: Number(counts.letters),
      problems,
    };
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** Queries that return rows only if something is wrong. */
const questions: Readonly<Record<string, string>> = {
  'elements that are no row': `SELECT p, s, e, session FROM expected WHERE fate = 'row' EXCEPT ALL SELECT p, s, e, session FROM rows`,
  'rows that nobody sent, or there more than once': `SELECT p, s, e, session FROM rows EXCEPT ALL SELECT p, s, e, session FROM expected WHERE fate = 'row'`,
  'elements that are no letter with their reason and body': `SELECT p, s, e, fate, body FROM expected WHERE fate <> 'row' EXCEPT ALL SELECT p, s, e, reason, body FROM letters`,
  'letters of elements that are none, or with another reason or body': `SELECT p, s, e, reason, body FROM letters EXCEPT ALL SELECT p, s, e, fate, body FROM expected WHERE fate <> 'row'`,
};

/** The bytes of a letter's body, in hexadecimal. */
const bodyBytes = `hex(CASE body_encoding WHEN 'utf-8' THEN encode(body) WHEN 'base64' THEN TRY(from_base64(body)) END)`;

/** A line for each element of each event in the hub. The first letter of an event has its body. */
function describeExpected(held: readonly HeldEvent[], bodies: BodyMaker): string {
  const lines = ['fate,p,s,e,session,body'];
  for (const { partition, sequenceNumber, id } of held) {
    const fates = bodies.fatesOf(id);
    const first = fates.findIndex((fate) => fate !== 'row');
    for (const [element, fate] of fates.entries()) {
      const body = element === first ? Buffer.from(bodies.badBodyOf(id) ?? []).toString('hex') : '';
      const line = [fate, partition, sequenceNumber, element, sessionOf(id, element), body.toUpperCase()];
      lines.push(line.join(','));
    }
  }
  return `${lines.join('\n')}\n`;
}

/** read_parquet takes no empty list. */
function selectFrom(files: readonly string[], columns: string, none: string): string {
  if (files.length === 0) return `SELECT ${none} WHERE false`;
  return `SELECT ${columns} FROM read_parquet([${files.map((file) => `'${file}'`).join(',')}])`;
}
