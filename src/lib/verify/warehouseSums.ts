import type { WarehouseTable } from '../streams/stream';
import { fullName, type Warehouse } from '../warehouse/warehouse';
import { RowSums } from './rowSums';

/*
 * Adds up a warehouse's rows, in SQL that DuckDB, SQL Server, Azure SQL and a dedicated pool all accept. Numbers are returned as
 * text, because clients round large decimals. Rows are counted with a sum, because COUNT(*) of T-SQL ends at 2^31.
 */

/** The names of the columns with the hub partition of a row, and its sequence number. */
interface AddressColumns {
  readonly hubCreatedAtColumn: string;
  readonly partitionColumn: string;
  readonly sequenceNumberColumn: string;
}

const rejectsAddress: AddressColumns = {
  hubCreatedAtColumn: 'hub_created_at',
  partitionColumn: 'hub_partition',
  sequenceNumberColumn: 'sequence_number',
};

/** The address columns of a table. Undefined if one of them is missing, or has a type that is less exact than in the Delta table. */
export function addressColumnsOf({ columns }: WarehouseTable): AddressColumns | undefined {
  const find = (from: string, types: readonly string[]) =>
    columns.find((column) => column.from === from && types.includes(column.type))?.name;
  const hubCreatedAtColumn = find('hub_created_at', ['datetime2(6)']);
  const partitionColumn = find('hub_partition', ['int', 'bigint']);
  const sequenceNumberColumn = find('sequence_number', ['bigint']);
  if (hubCreatedAtColumn === undefined || partitionColumn === undefined) return undefined;
  if (sequenceNumberColumn === undefined) return undefined;
  return { hubCreatedAtColumn, partitionColumn, sequenceNumberColumn };
}

export interface WarehouseSums {
  /** The sums of the table's rows and its rejected rows together. */
  readonly sums: RowSums;
  readonly rejected: number;
}

/** Asks the warehouse for the sums of a table. Throws what the warehouse's `query` throws. */
export async function sumWarehouseRows(
  warehouse: Pick<Warehouse, 'query'>,
  table: WarehouseTable,
): Promise<WarehouseSums> {
  const address = addressColumnsOf(table);
  const sums = new RowSums();
  const ofTable = `${quoteName(table.schema)}.${quoteName(table.name)}`;
  addAnswer(sums, await warehouse.query(sumStatement(ofTable, address)));
  const stored = sums.rows;
  const ofRejects = `ops.rejected_rows WHERE table_name = '${fullName(table).replaceAll("'", "''")}'`;
  addAnswer(sums, await warehouse.query(sumStatement(ofRejects, address && rejectsAddress)));
  return { sums, rejected: sums.rows - stored };
}

function sumStatement(from: string, address: AddressColumns | undefined): string {
  const count = 'CAST(SUM(CAST(1 AS bigint)) AS varchar(40)) AS row_count';
  if (!address) return `SELECT ${count} FROM ${from}`;
  const [created, partition, sequenceNumber] = [
    quoteName(address.hubCreatedAtColumn),
    quoteName(address.partitionColumn),
    quoteName(address.sequenceNumberColumn),
  ];
  const sum = `CAST(SUM(CAST(${sequenceNumber} AS decimal(38,0))) AS varchar(40)) AS sequence_sum`;
  return (
    `SELECT ${created} AS created_at, ${partition} AS partition_id, ${count}, ${sum} ` +
    `FROM ${from} GROUP BY ${created}, ${partition}`
  );
}

function addAnswer(sums: RowSums, rows: readonly Record<string, unknown>[]): void {
  for (const { created_at, partition_id, row_count, sequence_sum } of rows) {
    // The sum of no rows is NULL.
    const count = Number(row_count ?? 0);
    sums.rows += count;
    if (sequence_sum === undefined) continue;
    const hasAddress = [created_at, partition_id].every((value) => value !== null && value !== undefined);
    const partitionSums = hasAddress ? sums.at(readTime(created_at), Number(partition_id)) : sums.addressless;
    partitionSums.rows += count;
    partitionSums.sequenceNumberSum += BigInt(String(sequence_sum ?? 0));
  }
}

/** Microseconds since 1970, from a time in any form that warehouse clients return: a Date, text in UTC, or microseconds. */
function readTime(value: unknown): number {
  if (value instanceof Date) return value.getTime() * 1000;
  const text = String(value);
  return /^-?\d+$/.test(text) ? Number(text) : Date.parse(`${text.replace(' ', 'T')}Z`) * 1000;
}

const quoteName = (name: string) => `"${name.replaceAll('"', '""')}"`;
