import { TributaryError } from '../../errors';
import type { Dialect } from './tables';

/** What a server says of itself; version like `12.0.2000.8`. */
export interface Engine {
  readonly edition: number;
  readonly version: string;
}

export const askEngine =
  "SELECT CAST(SERVERPROPERTY('EngineEdition') AS int) AS edition, CAST(SERVERPROPERTY('ProductVersion') AS varchar(128)) AS version;";

const dedicatedPool = 6;
/** SQL Server: Personal, Standard, Enterprise and Express; then Azure SQL Database and Azure SQL Managed Instance. */
const sqlServers: ReadonlySet<number> = new Set([1, 2, 3, 4, 5, 8]);

/** Engines that read the lake themselves, or that nothing here was made for. */
const refused: ReadonlyMap<number, string> = new Map([
  [9, 'Azure SQL Edge, for which no statement here was made'],
  [
    11,
    'a serverless SQL pool or a warehouse of Microsoft Fabric, which need no loads: they read the lake as it is. In Fabric make a OneLake shortcut to the tables of the lake, in a serverless pool run deploy/sql/serverless.sql, and set WAREHOUSE to none',
  ],
  [
    12,
    'a SQL database of Microsoft Fabric, for which no statement here was made. Fabric reads the lake as it is: make a OneLake shortcut to its tables, and set WAREHOUSE to none',
  ],
]);

/** Which statements an engine takes. Throws `warehouse.refused`, with what to do, for one that is not supported. */
export function dialectOf({ edition, version }: Engine, name: string): Dialect {
  if (edition === dedicatedPool) return 'pool';
  if (sqlServers.has(edition)) return 'server';
  const what = refused.get(edition) ?? 'of an unknown kind';
  throw new TributaryError(
    'warehouse.refused',
    `${name} (EngineEdition ${edition}, version ${version}) is ${what}. Loads go to a dedicated SQL pool, SQL Server, Azure SQL Database or Azure SQL Managed Instance.`,
  );
}
