import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance, type DuckDBValue } from '@duckdb/node-api';
import { afterAll, beforeAll } from 'vitest';

/** DuckDB as an independent reader and writer of Parquet files; it never reaches for the network. */
export async function openDuckDb() {
  const instance = await DuckDBInstance.create(':memory:', {
    threads: '1',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    // Its cache tells files apart by path and time: one that a test writes again within the clock's step would be mixed up.
    enable_external_file_cache: 'false',
  });
  const connection = await instance.connect();
  return {
    async run(sql: string): Promise<void> {
      await connection.run(sql);
    },
    async rows(sql: string): Promise<DuckDBValue[][]> {
      return (await connection.runAndReadAll(sql)).getRows();
    },
    async objects(sql: string): Promise<Record<string, unknown>[]> {
      return (await connection.runAndReadAll(sql)).getRowObjectsJson();
    },
    close(): void {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

export type DuckDb = Awaited<ReturnType<typeof openDuckDb>>;

/** A DuckDB for all tests of a file or of a `describe`, and a folder for the files that it reads and writes. */
export function duckDbOfTests() {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-'));
  let duckdb: DuckDb;
  beforeAll(async () => {
    duckdb = await openDuckDb();
  });
  afterAll(() => {
    duckdb.close();
    rmSync(folder, { recursive: true });
  });
  return {
    folder,
    duckdb: {
      run: (sql: string) => duckdb.run(sql),
      rows: (sql: string) => duckdb.rows(sql),
      objects: (sql: string) => duckdb.objects(sql),
    },
  };
}
