import { TributaryError } from '../../errors';

export type DuckDb = typeof import('@duckdb/node-api');

/**
 * Loads the client library, which happens only when it is needed.
 * @param user what needs it, for the error
 * @throws `warehouse.refused` if it is not installed
 */
export async function loadDuckDb(user: string): Promise<DuckDb> {
  try {
    return await import('@duckdb/node-api');
  } catch (cause) {
    throw new TributaryError(
      'warehouse.refused',
      `${user} needs the package @duckdb/node-api, a development dependency that is never deployed: run npm ci, or name a SQL pool.`,
      { cause },
    );
  }
}
