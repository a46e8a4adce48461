import { DuckDBInstance } from '@duckdb/node-api';
import { downloadVersions, type LifeOfFile } from './lakeFiles';

/** The newest price of an asset and its time in milliseconds since 1970, as texts that can be compared, by the asset's id. */
export type Prices = ReadonlyMap<string, string>;

/** What a host has answered to GET /api/assets. */
export interface PricesAnswer {
  readonly host: string;
  /** The version of the table that the answer names. */
  readonly version: number;
  readonly prices: Prices;
}

export const priceText = (price: number | null, timeMs: number): string => `${price} at ${timeMs}`;

export interface ComparePricesOptions {
  readonly storageConnection: string;
  readonly table: string;
  readonly answers: readonly PricesAnswer[];
  /** The folder for temporary files. */
  readonly folder: string;
}

/** Compares each answer with a DuckDB query over the Parquet files of the version that it names. Returns the problems. */
export async function comparePrices(options: ComparePricesOptions): Promise<string[]> {
  const { storageConnection, table, answers, folder } = options;
  const lives = await downloadVersions(storageConnection, table, folder);
  const instance = await DuckDBInstance.create(':memory:', { threads: '2' });
  const connection = await instance.connect();
  const select = async (sql: string) => (await connection.runAndReadAll(sql)).getRowObjectsJson();
  try {
    if (lives.length > 0) await connection.run(createRows(lives));
    const wrong: string[] = [];
    for (const [version, ofVersion] of Map.groupBy(answers, (answer) => answer.version)) {
      const isThere = lives.some(({ from, until }) => from <= version && version < until);
      const rows = isThere ? await select(newestAt(version)) : [];
      const wanted: Prices = new Map(
        rows.map(({ id, price, ms }) => [String(id), priceText(price as number | null, Number(ms))]),
      );
      for (const { host, prices } of ofVersion) {
        const difference = firstDifference(prices, wanted);
        if (difference) wrong.push(`  host ${host} at version ${version}: ${difference}`);
      }
    }
    if (wrong.length === 0) return [];
    const heading = `${wrong.length} of ${answers.length} answers have other prices than the lake:`;
    return [heading, ...wrong.slice(0, 10)];
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** Each file is read once, although it belongs to many versions. */
const createRows = (lives: readonly LifeOfFile[]): string =>
  `CREATE TABLE prices AS
    WITH lives(file, since, until) AS (VALUES ${lives
      .map(({ file, from, until }) => `('${file}', ${from}, ${Number.isFinite(until) ? until : 'NULL'})`)
      .join(', ')})
    SELECT id, priceUsd, epoch_ms(runtime_timestamp) AS ms, since, until
    FROM read_parquet([${lives.map(({ file }) => `'${file}'`).join(', ')}], filename = true)
    JOIN lives ON lives.file = filename`;

const newestAt = (version: number): string =>
  `SELECT id, first(priceUsd ORDER BY ms DESC) AS price, max(ms) AS ms FROM prices
    WHERE since <= ${version} AND (until IS NULL OR until > ${version}) GROUP BY id`;

/** Undefined if there is none. */
function firstDifference(found: Prices, wanted: Prices): string | undefined {
  const id = [...new Set([...wanted.keys(), ...found.keys()])].find(
    (one) => found.get(one) !== wanted.get(one),
  );
  return id === undefined
    ? undefined
    : `${id} is ${found.get(id) ?? 'missing'}, where DuckDB finds ${wanted.get(id) ?? 'none'}`;
}
