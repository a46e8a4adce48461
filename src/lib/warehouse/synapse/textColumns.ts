import { TributaryError } from '../../errors';
import type { WarehouseTable } from '../../streams/stream';
import { fullName } from '../warehouse';
import { quoteName, quoteText } from './literals';
import type { SqlClient } from './sqlClient';
import { columnType, type Dialect, quoteTable } from './tables';

/** The code page of `textCollation`. */
const wanted = 1252;

/**
 * Refuses a table whose columns keep text in another code page than the one that rows are fitted to. It would change characters, or count a
 * text in other units. Tables of earlier releases have the code page of the database.
 * @throws `warehouse.schema`, with what to do
 */
export async function checkTextColumns(
  client: SqlClient,
  table: WarehouseTable,
  dialect: Dialect,
): Promise<void> {
  const texts = table.columns.filter(({ type }) => type.startsWith('varchar'));
  if (texts.length === 0) return;
  const pages = await readCodePages(client, table);
  const wrong = texts.filter(({ name }) => (pages.get(name.toLowerCase()) ?? wanted) !== wanted);
  if (wrong.length === 0) return;
  const name = fullName(table);
  const columns = wrong
    .map((column) => `${column.name} (${pages.get(column.name.toLowerCase())})`)
    .join(', ');
  const alter = wrong.map(
    (column) =>
      `ALTER TABLE ${quoteTable(table)} ALTER COLUMN ${quoteName(column.name)} ${columnType(column.type)} NULL;`,
  );
  throw new TributaryError(
    'warehouse.schema',
    `${client.name}: columns of ${name} keep text in another code page than ${wanted}, which changes letters: ${columns}. ${
      dialect === 'pool'
        ? `Run "npm run warehouse -- rebuild ${name}", which makes the table anew.`
        : `Run ${alter.join(' ')}`
    }`,
  );
}

/**
 * The code pages of the columns, by their names in lower case. An engine that does not tell code pages is assumed to have the right one.
 */
async function readCodePages(client: SqlClient, table: WarehouseTable): Promise<ReadonlyMap<string, number>> {
  try {
    const { rows } = await client.batch(
      `SELECT name, CAST(COLLATIONPROPERTY(collation_name, 'CodePage') AS int) AS code_page FROM sys.columns WHERE object_id = OBJECT_ID(${quoteText(fullName(table))});`,
    );
    return new Map(
      rows.flatMap(({ name, code_page: page }) =>
        page === null ? [] : [[String(name).toLowerCase(), Number(page)] as const],
      ),
    );
  } catch (error) {
    const refusal = client.describe(error);
    if (refusal.code === 'warehouse.refused') return new Map();
    throw refusal;
  }
}
