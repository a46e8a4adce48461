import { TributaryError } from '../../errors';
import type { Dialect } from './tables';

/** Facts that a server tells about itself. Its version is like `12.0.2000.8`. */
export interface Engine {
  readonly edition: number;
  readonly version: string;
  /** True for Babelfish, which accepts T-SQL for PostgreSQL and tells the version of an old SQL Server as its own. */
  readonly isBabelfish: boolean;
}

export const askEngine =
  "SELECT CAST(SERVERPROPERTY('EngineEdition') AS int) AS edition, CAST(SERVERPROPERTY('ProductVersion') AS varchar(128)) AS version, CAST(SERVERPROPERTY('Babelfish') AS int) AS babelfish;";

/** Reads the answer to `askEngine`. */
export const readEngine = ({ edition, version, babelfish }: Record<string, unknown>): Engine => ({
  edition: Number(edition),
  version: String(version),
  isBabelfish: Number(babelfish) === 1,
});

const dedicatedPool = 6;
/** The editions of SQL Server: Personal, Standard, Enterprise and Express. */
const sqlServers: ReadonlySet<number> = new Set([1, 2, 3, 4]);
/** Azure SQL Database and Azure SQL Managed Instance. They are always up to date, but tell the version 12. */
const azureSql: ReadonlySet<number> = new Set([5, 8]);
/** The oldest supported version, SQL Server 2016. It is the first one with DATEDIFF_BIG, which the views need. */
const oldestMajor = 13;

/** Engines that are refused, with the reason: they read the lake themselves, or nothing here was made for them. */
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

/** The dialect for an engine. Throws `warehouse.refused`, saying what to do, for an engine that is not supported. */
export function dialectOf(engine: Engine, name: string): Dialect {
  const { edition, version } = engine;
  if (edition === dedicatedPool) return 'pool';
  if (azureSql.has(edition) || (sqlServers.has(edition) && !isTooOld(engine))) return 'server';
  const what = sqlServers.has(edition)
    ? 'a SQL Server that is older than 2016: upgrade it, or load into another database'
    : (refused.get(edition) ?? 'of an unknown kind');
  throw new TributaryError(
    'warehouse.refused',
    `${name} (EngineEdition ${edition}, version ${version}) is ${what}. Loads go to a dedicated SQL pool, SQL Server 2016 or later, Azure SQL Database or Azure SQL Managed Instance.`,
  );
}

const isTooOld = ({ version, isBabelfish }: Engine): boolean =>
  !isBabelfish && Number(version.split('.')[0]) < oldestMajor;
