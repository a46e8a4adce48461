import { DuckDBInstance } from '@duckdb/node-api';
import type { TablePosition } from '../../../src/lib/delta/position';
import { lockedSettings } from '../../../src/lib/warehouse/duckdb/readOnly';
import type { SqlClient } from '../../../src/lib/warehouse/synapse/sqlClient';
import type { LoadOutcome } from '../../../src/lib/warehouse/warehouse';

/*
 * The loader as it was before the ledger had marks. During an upgrade such a loader shares the ledger with newer ones, so its
 * statements are copied here and must not be changed.
 */

/** A load of an earlier loader. */
export interface EarlierLoad {
  /** The table's full name. */
  readonly name: string;
  readonly from: TablePosition;
  readonly to: TablePosition;
  /** One INSERT. */
  readonly body: string;
}

export interface EarlierLoader {
  /** Creates the ledger as that release did, with one row. */
  makeLedger(name: string, position: TablePosition): Promise<void>;
  position(name: string): Promise<TablePosition>;
  load(load: EarlierLoad): Promise<LoadOutcome>;
}

/** `heap`: the option that a dedicated pool needs after the columns of a table. */
export function earlierSqlLoader(client: SqlClient, heap: string): EarlierLoader {
  let loads = 0;
  return {
    async makeLedger(name, { tableId, version }) {
      await client.batch('DROP TABLE ops.load_ledger;');
      await client.batch(`CREATE TABLE ops.load_ledger (
  table_name varchar(255) NOT NULL,
  delta_id varchar(255) NOT NULL,
  last_version bigint NOT NULL,
  batch_token varchar(36) NOT NULL
)${heap}`);
      await client.batch(
        `INSERT INTO ops.load_ledger (table_name, delta_id, last_version, batch_token) SELECT '${name}', '${tableId}', ${version}, '' WHERE NOT EXISTS (SELECT * FROM ops.load_ledger WHERE table_name = '${name}');`,
      );
    },
    async position(name) {
      const { rows } = await client.batch(`SELECT table_name, delta_id, last_version FROM ops.load_ledger;`);
      const row = rows.find(({ table_name }) => table_name === name);
      return { tableId: String(row?.delta_id), version: Number(row?.last_version), mark: undefined };
    },
    async load({ name, from, to, body }) {
      const token = `earlier-${++loads}`;
      const { rows } = await client.batch(`SET NOCOUNT ON;
BEGIN TRANSACTION;
UPDATE ops.load_ledger SET delta_id = '${to.tableId}', last_version = ${to.version}, batch_token = '${token}' WHERE table_name = '${name}' AND delta_id = '${from.tableId}' AND last_version = ${from.version};
DECLARE @won int = (SELECT COUNT(*) FROM ops.load_ledger WHERE table_name = '${name}' AND batch_token = '${token}');
IF @won = 1 BEGIN
${body}
COMMIT;
END ELSE BEGIN ROLLBACK; END;
SELECT @won AS won;`);
      return Number(rows[0]?.won) === 1 ? 'loaded' : 'overtaken';
    },
  };
}

type RunDuckDb = (sql: string) => Promise<unknown[][]>;

/** Works on a connection of its own, in a transaction that `work` may take back by answering undefined. */
export async function onDuckDbFile<T>(path: string, work: (run: RunDuckDb) => Promise<T>): Promise<T> {
  // With the loader's settings, because one process has a file with one configuration.
  const instance = await DuckDBInstance.fromCache(path, lockedSettings);
  const connection = await instance.connect();
  try {
    await connection.run('BEGIN');
    const result = await work(async (sql) => (await connection.runAndReadAll(sql)).getRows());
    await connection.run(result === undefined ? 'ROLLBACK' : 'COMMIT');
    return result;
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

export function earlierDuckDbLoader(path: string): EarlierLoader {
  const transaction = <T>(work: (run: RunDuckDb) => Promise<T>) => onDuckDbFile(path, work);
  return {
    async makeLedger(name, { tableId, version }) {
      await transaction(async (run) => {
        await run('DROP TABLE ops.load_ledger');
        await run(
          'CREATE TABLE IF NOT EXISTS ops.load_ledger (table_name VARCHAR PRIMARY KEY, delta_id VARCHAR NOT NULL, last_version BIGINT NOT NULL)',
        );
        return run(
          `INSERT INTO ops.load_ledger VALUES ('${name}', '${tableId}', ${version}) ON CONFLICT DO NOTHING`,
        );
      });
    },
    async position(name) {
      const rows = await transaction((run) =>
        run('SELECT table_name, delta_id, last_version FROM ops.load_ledger'),
      );
      const [, tableId, version] = rows.find((row) => row[0] === name) ?? [];
      return { tableId: String(tableId), version: Number(version), mark: undefined };
    },
    async load({ name, from, to, body }) {
      const loaded = await transaction(async (run) => {
        const [moved] = await run(
          `UPDATE ops.load_ledger SET delta_id = '${to.tableId}', last_version = ${to.version} WHERE table_name = '${name}' AND delta_id = '${from.tableId}' AND last_version = ${from.version}`,
        );
        if (Number(moved?.[0]) !== 1) return undefined;
        await run(body);
        return true;
      });
      return loaded ? 'loaded' : 'overtaken';
    },
  };
}
