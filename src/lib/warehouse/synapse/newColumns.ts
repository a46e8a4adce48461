import { TributaryError } from '../../errors';
import type { WarehouseColumn, WarehouseTable } from '../../streams/stream';
import { columnsLackedBy, fullName } from '../warehouse';
import { quoteText } from './literals';
import type { SqlClient } from './sqlClient';
import { addColumn } from './tables';

/*
 * Columns that a stream has gained since its table was made. Their names are read only after a load was refused, so usual loads need no
 * query for them.
 */

/** The columns that the database's table does not have; none if there is no such table. */
export async function missingColumns(client: SqlClient, table: WarehouseTable): Promise<WarehouseColumn[]> {
  const { rows } = await client.batch(
    `SELECT name FROM sys.columns WHERE object_id = OBJECT_ID(${quoteText(fullName(table))});`,
  );
  return columnsLackedBy(
    rows.map(({ name }) => String(name)),
    table,
  );
}

/**
 * Adds the columns that a table does not have; they are null in existing rows. Returns whether there were any. Any number of processes may
 * do so at once.
 * @throws `warehouse.schema` if the login may not alter the table
 */
export async function addMissingColumns(client: SqlClient, table: WarehouseTable): Promise<boolean> {
  const missing = await missingColumns(client, table);
  const refusals: TributaryError[] = [];
  for (const column of missing) {
    try {
      await client.batch(addColumn(table, column));
    } catch (error) {
      const refusal = client.describe(error);
      if (refusal.code !== 'warehouse.refused') throw refusal;
      refusals.push(refusal);
    }
  }
  // If another process has added the column meanwhile, the refusal does not matter.
  const [cause] = refusals;
  const lacking = cause ? await missingColumns(client, table) : [];
  if (cause && lacking.length > 0) {
    const names = lacking.map(({ name }) => name).join(', ');
    throw new TributaryError(
      'warehouse.schema',
      `${fullName(table)} lacks the columns ${names}, and this login may not add them: run "npm run warehouse -- init" with a login that may alter the table. ${cause.message}`,
      { cause },
    );
  }
  return missing.length > 0;
}
