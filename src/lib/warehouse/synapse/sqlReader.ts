import { TributaryError } from '../../errors';
import { quantity } from '../../quantity';
import type { WarehouseTable } from '../../streams/stream';
import type { SqlAddress } from '../connectionString';
import { fullName, type Warehouse } from '../warehouse';
import { quoteText } from './literals';
import { SqlClient } from './sqlClient';
import { ledgerTable, rejectsTable } from './tables';

/*
 * Runs queries that people write, in a database. They are T-SQL, and a text that reads cannot be told from one that writes. So the login
 * must not be able to write. Before anything runs, the server is asked what the login may do:
 *
 * | on                  | because                                                                      |
 * |---------------------|------------------------------------------------------------------------------|
 * | the database        | rights there hold everywhere, including those of its roles and of sysadmin   |
 * | each of our schemas | its owner, and who was granted a right on it, may write to all of its tables |
 * | each of our tables  | rights may be granted on one table                                           |
 */

/** Whether a right is one that a reader may have. It has no others. */
const isForReading = (right: string): boolean => /^(?:CONNECT|SELECT|SHOWPLAN|UNMASK|VIEW .+)$/.test(right);

type SecurableClass = 'DATABASE' | 'SCHEMA' | 'OBJECT';

/**
 * Asks which rights the login has, including those from its roles. There are none if there is no such schema or table, or if the login may
 * do nothing there.
 */
export const askRights = (name: string, kind: SecurableClass): string =>
  `SELECT permission_name FROM fn_my_permissions(${kind === 'DATABASE' ? 'NULL' : quoteText(name)}, '${kind}');`;

/** The roles of every database whose members may write, or may give themselves the right to write. */
const writingRoles = [
  'db_owner',
  'db_datawriter',
  'db_ddladmin',
  'db_securityadmin',
  'db_accessadmin',
] as const;

/** Asks in which of these roles the login is. Their rights are rights in the database too, but an engine may only tell the roles. */
export const askRoles = `SELECT ${writingRoles.map((role) => `IS_ROLEMEMBER(${quoteText(role)}) AS ${role}`).join(', ')};`;

/** The statements that make a user who may only read. deploy/sql/reader.sql has the same statements. */
export const readerScript = (tables: readonly WarehouseTable[]): string[] => [
  'CREATE USER [reader] FOR LOGIN [reader];',
  ...schemasOf(tables).map((schema) => `GRANT SELECT ON SCHEMA::${schema} TO [reader];`),
];

const schemasOf = (tables: readonly WarehouseTable[]): string[] => [
  ...new Set(['ops', ...tables.map(({ schema }) => schema)]),
];

/** Asks a database with a login that may only read. */
export class SqlReader implements Pick<Warehouse, 'query' | 'close'> {
  readonly #client: SqlClient;
  readonly #tables: readonly WarehouseTable[];

  constructor(address: SqlAddress, tables: readonly WarehouseTable[]) {
    this.#client = new SqlClient({ address });
    this.#tables = tables;
  }

  /** @throws `settings.invalid` if the login may do more than read; then nothing was run */
  query(sql: string): Promise<Record<string, unknown>[]> {
    return this.#client.described(async () => {
      await this.#refuseWriter();
      return (await this.#client.batch(sql)).rows;
    });
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  async #refuseWriter(): Promise<void> {
    const names = [ledgerTable, rejectsTable, ...this.#tables.map(fullName)];
    await this.#refuseRights('the database', 'DATABASE');
    const [member = {}] = (await this.#client.batch(askRoles)).rows;
    const role = writingRoles.find((name) => Number(member[name]) === 1);
    if (role !== undefined) throw this.#refusal(`it is a member of ${role}`);
    for (const schema of schemasOf(this.#tables)) await this.#refuseRights(schema, 'SCHEMA');
    for (const name of names) await this.#refuseRights(name, 'OBJECT');
  }

  async #refuseRights(name: string, kind: SecurableClass): Promise<void> {
    const { rows } = await this.#client.batch(askRights(name, kind));
    const rights = new Set(rows.map((row) => String(row.permission_name)));
    // A login has at least the right CONNECT, so an empty answer means that the server does not tell.
    if (kind === 'DATABASE' && rights.size === 0) rights.add('rights that the server does not tell');
    const [first, ...more] = [...rights].filter((right) => !isForReading(right)).sort();
    if (first === undefined) return;
    const named = more.length === 0 ? first : `${first} and ${quantity(more.length, 'right')} more`;
    throw this.#refusal(`on ${name} it has ${named}`);
  }

  #refusal(why: string): TributaryError {
    return new TributaryError(
      'settings.invalid',
      `The login of WAREHOUSE_READER may do more than read, so nothing was run: ${why}. Make a user for it that may only read (deploy/sql/reader.sql): ${readerScript(this.#tables).join(' ')}`,
    );
  }
}
