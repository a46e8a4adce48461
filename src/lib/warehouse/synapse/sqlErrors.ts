import { TributaryError } from '../../errors';

/*
 * What the errors of a dedicated SQL pool, Azure SQL and SQL Server mean, by number. tedious tries some transient ones again
 * by itself while it connects, but not those of a pool that is paused or warming up.
 */

const transient: ReadonlyMap<number, string> = new Map([
  [42108, 'the SQL pool is paused'],
  [42109, 'the SQL pool is warming up'],
  [4060, 'the database cannot be opened'],
  [40613, 'the database is not available'],
  [40197, 'the service failed inside'],
  [40501, 'the service is busy'],
  [49918, 'the service is busy'],
  [49919, 'the service is busy'],
  [49920, 'the service is busy'],
  [10928, 'a resource limit is reached'],
  [10929, 'a resource limit is reached'],
  [1205, 'the transaction lost a deadlock'],
  [1222, 'a lock was not granted in time'],
]);

/** Codes of mssql and tedious for a connection that broke or was never made. */
const connectionCodes = new Set([
  'ESOCKET',
  'ECONNRESET',
  'ECONNCLOSED',
  'ENOTOPEN',
  'ETIMEOUT',
  'EINSTLOOKUP',
  'ECONNREFUSED',
  'EPIPE',
  'EABORT',
  'ENOCONN',
  'ECANCEL',
  'ENOTBEGUN',
  'EALREADYBEGUN',
]);

interface SqlErrorParts {
  readonly number?: unknown;
  readonly code?: unknown;
  readonly message?: unknown;
  readonly originalError?: { readonly info?: { readonly number?: unknown } };
  readonly precedingErrors?: readonly SqlErrorParts[];
}

const toParts = (error: unknown): SqlErrorParts => (typeof error === 'object' && error !== null ? error : {});

/** The server's number of the first error, which is the cause of those behind it. */
function numberOf(error: SqlErrorParts): number | undefined {
  const first = error.precedingErrors?.[0] ?? error;
  const number = first.number ?? first.originalError?.info?.number;
  return typeof number === 'number' && number > 0 ? number : undefined;
}

/**
 * Turns an error of the client into one of ours. `loginNumber` is the server's number of a failed login, which the client
 * does not pass on. Messages of the server are kept, the text of statements never gets in.
 */
export function toWarehouseError(error: unknown, name: string, loginNumber?: number): TributaryError {
  if (error instanceof TributaryError) return error;
  const parts = toParts(error);
  const number = numberOf(parts) ?? loginNumber;
  const message = String((parts.precedingErrors?.[0] ?? parts).message ?? error).split('\n')[0];
  const known = number === undefined ? undefined : transient.get(number);
  const lost = number === undefined && (typeof parts.code !== 'string' || connectionCodes.has(parts.code));
  const code = known !== undefined || lost ? 'warehouse.unavailable' : 'warehouse.refused';
  const what = [known, number === undefined ? parts.code : `error ${number}`, message]
    .filter(Boolean)
    .join(', ');
  return new TributaryError(code, `${name}: ${what}.`.replace(/\.\.$/, '.'), { cause: error });
}

/** Whether the server may have carried out what it did not answer: it said nothing at all. */
export const isAmbiguous = (error: unknown): boolean => numberOf(toParts(error)) === undefined;

/** A statement names a column that its table does not have. */
export const isUnknownColumn = (error: unknown): boolean => numberOf(toParts(error)) === 207;
