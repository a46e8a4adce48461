import { TributaryError } from '../errors';
import { parseConnectionString, type SqlAddress, type SqlLogin } from './connectionString';

/** The warehouse into which rows are loaded. */
export type WarehouseSetting =
  | { readonly kind: 'none' }
  | { readonly kind: 'duckdb'; readonly path: string }
  | { readonly kind: 'sql'; readonly address: SqlAddress };

/** How to log in to a database for queries; undefined if there is no login for that. */
export type ReaderSetting = SqlAddress | undefined;

/** Reads the setting WAREHOUSE. Throws `settings.invalid` saying what is wrong, never the value. */
export function parseWarehouse(text: string): WarehouseSetting {
  if (text.trim().toLowerCase() === 'none') return { kind: 'none' };
  const duckdb = /^\s*duckdb:(.*)$/is.exec(text);
  if (!duckdb) return { kind: 'sql', address: parseConnectionString(text) };
  const path = (duckdb[1] ?? '').trim();
  if (path !== '') return { kind: 'duckdb', path };
  throw new TributaryError('settings.invalid', 'WAREHOUSE is malformed: expected a file after "duckdb:".');
}

/**
 * Reads the setting WAREHOUSE_READER.
 * @throws `settings.invalid` if it is malformed, names another database than WAREHOUSE, or has its login
 */
export function parseReader(text: string, warehouse: WarehouseSetting): ReaderSetting {
  if (text.trim().toLowerCase() === 'none') return undefined;
  const reader = parseConnectionString(text, 'WAREHOUSE_READER');
  if (warehouse.kind === 'sql' && reader.database.toLowerCase() !== warehouse.address.database.toLowerCase())
    throw new TributaryError(
      'settings.invalid',
      'WAREHOUSE_READER names another database than WAREHOUSE: expected the same.',
    );
  if (warehouse.kind === 'sql' && nameOf(reader.login) === nameOf(warehouse.address.login))
    throw new TributaryError(
      'settings.invalid',
      'WAREHOUSE_READER has the login of WAREHOUSE, which may write: expected a login of its own that may only read.',
    );
  return reader;
}

/** The name that logs in. It may have the server after an @, and upper and lower case usually make no difference. */
const nameOf = (login: SqlLogin): string =>
  login.kind === 'password'
    ? `user ${login.user.replace(/@.*$/s, '').toLowerCase()}`
    : `identity ${login.clientId?.toLowerCase() ?? ''}`;
