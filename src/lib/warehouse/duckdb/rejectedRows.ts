import type { WarehouseTable } from '../../streams/stream';
import type { PreparedRows } from '../warehouse';

export const rejectsTable: WarehouseTable = {
  schema: 'ops',
  name: 'rejected_rows',
  columns: [
    { name: 'table_name', from: '', type: 'varchar(255)' },
    { name: 'hub_created_at', from: '', type: 'datetime2(6)' },
    { name: 'hub_partition', from: '', type: 'int' },
    { name: 'sequence_number', from: '', type: 'bigint' },
    { name: 'element', from: '', type: 'int' },
    { name: 'reason', from: '', type: 'varchar(400)' },
    { name: 'row_json', from: '', type: 'nvarchar(4000)' },
  ],
};

/** Makes the rows of `ops.rejected_rows` for the rows that did not fit a table. */
export const rejectedRows = (name: string, { rejected }: PreparedRows): PreparedRows => ({
  columns: [
    rejected.map(() => name),
    rejected.map(({ hubCreatedAt }) => hubCreatedAt),
    rejected.map(({ partition }) => partition),
    rejected.map(({ sequenceNumber }) => sequenceNumber),
    rejected.map(({ element }) => element),
    rejected.map(({ reason }) => reason),
    rejected.map(({ row }) => row),
  ],
  count: rejected.length,
  rejected: [],
});
