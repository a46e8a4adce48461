import { TributaryError } from '../../errors';
import { describeNoIdentity } from '../../noIdentity';

/*
 * The meaning of errors of a dedicated SQL pool, Azure SQL and SQL Server, by number. tedious itself retries some transient errors while it
 * connects, but not the errors of a pool that is paused or starting.
 */

const deadlock = 1205;

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
  [10936, 'a resource limit is reached'],
  [42119, 'a limit of the free offer is reached'],
  [701, 'the server has too little memory'],
  [802, 'the server has too little memory'],
  [8645, 'the server has too little memory'],
  [8651, 'the server has too little memory'],
  [1204, 'the server has no locks left'],
  [596, 'the session was ended'],
  [6005, 'the server is shutting down'],
  [18401, 'the server is being upgraded'],
  [922, 'the database is starting'],
  [976, 'the database is moving to another server'],
  [983, 'the database is moving to another server'],
  [3960, 'another transaction changed the same rows'],
  [deadlock, 'the transaction lost a deadlock'],
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
  // The request was made while the connection was being closed.
  'EINVALIDSTATE',
  'ECLOSE',
  // The identity got no token: either there is no identity, which missingIdentity detects, or its service did not answer.
  'EFEDAUTH',
]);

interface SqlErrorParts {
  readonly number?: unknown;
  readonly code?: unknown;
  readonly message?: unknown;
  readonly originalError?: { readonly info?: { readonly number?: unknown }; readonly errors?: unknown };
  readonly precedingErrors?: readonly SqlErrorParts[];
}

const toParts = (error: unknown): SqlErrorParts => (typeof error === 'object' && error !== null ? error : {});

/** The number of the server's first error, which caused the others. */
function numberOf(error: SqlErrorParts): number | undefined {
  const first = error.precedingErrors?.[0] ?? error;
  const number = first.number ?? first.originalError?.info?.number;
  return typeof number === 'number' && number > 0 ? number : undefined;
}

/** What to do if an identity should log in and none was found; undefined for any other error. tedious keeps that error beside its own. */
function missingIdentity({ originalError }: SqlErrorParts): string | undefined {
  const errors: unknown = originalError?.errors;
  return Array.isArray(errors) ? errors.map(describeNoIdentity).find(Boolean) : undefined;
}

/**
 * Turns an error of the client into one of ours. `loginNumber` is the server's number of a failed login, which the client
 * does not pass on. The server's messages are kept. The text of a statement is never part of the error.
 */
export function toWarehouseError(error: unknown, name: string, loginNumber?: number): TributaryError {
  if (error instanceof TributaryError) return error;
  const parts = toParts(error);
  const missing = missingIdentity(parts);
  if (missing) return new TributaryError('warehouse.refused', `${name}: ${missing}.`, { cause: error });
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

/** Errors with which the server ends the session. It may have carried out the request before. */
const endsSession: ReadonlySet<number | undefined> = new Set([596, 6005, 40197, 40613]);

/** Whether the server may have carried out the request, because it did not answer or ended the session. */
export function isAmbiguous(error: unknown): boolean {
  const number = numberOf(toParts(error));
  return number === undefined || endsSession.has(number);
}

/** Whether the request was the victim of a deadlock. The server has rolled its transaction back, and it may be tried again at once. */
export const isDeadlock = (error: unknown): boolean => numberOf(toParts(error)) === deadlock;

/**
 * Errors of a statement that makes something which another process has just made: a table or schema, a row with this key, a column, a
 * primary key.
 */
const madeMeanwhile: ReadonlySet<number | undefined> = new Set([2714, 2627, 2601, 2705, 1779]);
export const isMadeMeanwhile = (error: unknown): boolean => madeMeanwhile.has(numberOf(toParts(error)));

/** Whether an error says that a statement names a column which its table does not have. */
export const isUnknownColumn = (error: unknown): boolean => numberOf(toParts(error)) === 207;

/** Whether an error says that a view or table does not exist, or that the login may not see it. */
export const isUnknownObject = (error: unknown): boolean => numberOf(toParts(error)) === 208;

/**
 * Errors which say that a login, or an engine, can never load in this way. They are from Microsoft's list "Database Engine events and
 * errors" (https://learn.microsoft.com/sql/relational-databases/errors-events/database-engine-events-and-errors), except for 103010, which
 * only dedicated pools have. Any other error may be about these rows, or may pass.
 */
const neverPossible: ReadonlySet<number | undefined> = new Set([
  // A right is missing: on an object, on a column, in the database, for an action, or for a bulk load.
  ...[229, 230, 262, 297, 4834],
  // There is no such table or schema, or the login may not use it.
  ...[1088, 2760],
  // The engine does not know the statement, or its version does not support it.
  ...[102, 103010, 40510, 40517],
]);
export const isNeverPossible = (error: unknown): boolean => neverPossible.has(numberOf(toParts(error)));
