import { DuckDBInstance, type DuckDBValue } from '@duckdb/node-api';

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
