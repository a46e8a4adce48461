import type { MaintenanceInput } from '../../lib/orchestrations/maintainTables';
import type { RebuildInput } from '../../lib/orchestrations/rebuildWarehouse';
import type { Instance } from './durableClient';

/*
 * The instances of the orchestrations. Their ids are fixed, so that whoever starts one knows it, and only one of each runs at a time.
 */

export const maintenanceId = 'maintainTables';

export const maintenanceInstance = (input: MaintenanceInput): Instance => ({
  name: 'maintainTables',
  id: maintenanceId,
  input,
});

/** @param table the full name of a table of the warehouse */
export const rebuildId = (table: string): string => `rebuildWarehouse-${table}`;

export const rebuildInstance = (input: RebuildInput): Instance => ({
  name: 'rebuildWarehouse',
  id: rebuildId(input.table),
  input,
});
