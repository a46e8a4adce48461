import { TributaryError } from '../errors';
import { parseConnectionString, type SqlAddress } from './connectionString';

/** Which warehouse the rows go to. */
export type WarehouseSetting =
  | { readonly kind: 'none' }
  | { readonly kind: 'duckdb'; readonly path: string }
  | { readonly kind: 'sql'; readonly address: SqlAddress };

/** Reads the setting WAREHOUSE. Throws `settings.invalid` saying what is wrong, never the value. */
export function parseWarehouse(text: string): WarehouseSetting {
  if (text.trim().toLowerCase() === 'none') return { kind: 'none' };
  const duckdb = /^\s*duckdb:(.*)$/is.exec(text);
  if (!duckdb) return { kind: 'sql', address: parseConnectionString(text) };
  const path = (duckdb[1] ?? '').trim();
  if (path !== '') return { kind: 'duckdb', path };
  throw new TributaryError('settings.invalid', 'WAREHOUSE is malformed: expected a file after "duckdb:".');
}
