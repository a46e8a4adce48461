import { beginning } from '../src/lib/delta/position';
import type { WarehouseTable } from '../src/lib/streams/stream';
import type { Load } from '../src/lib/warehouse/warehouse';

/**
 * A load that moves a table of the warehouse from a version to the next one. Below version 0 is the beginning.
 * @param columns the values of each column of the table
 */
export const benchLoad = (
  table: WarehouseTable,
  version: number,
  columns: Load['rows']['columns'],
): Load => ({
  table,
  from: version < 0 ? beginning : { tableId: 'bench', version, mark: undefined },
  to: { tableId: 'bench', version: version + 1, mark: undefined },
  rows: { columns, count: columns[0]?.length ?? 0, rejected: [] },
});
