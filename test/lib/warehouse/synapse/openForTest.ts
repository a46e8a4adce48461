import { onTestFinished } from 'vitest';
import { openSynapse } from '../../../../src/lib/warehouse/synapse/synapseWarehouse';
import type { Warehouse } from '../../../../src/lib/warehouse/warehouse';
import type { TdsServer } from '../../../kit/tds/tdsServer';

export type SynapseOptions = Partial<Parameters<typeof openSynapse>[0]>;

/** Opens the warehouse of a server for the test that runs, and closes it afterwards. */
export function openForTest(server: TdsServer, options: SynapseOptions = {}): Warehouse {
  const warehouse = openSynapse({ address: server.address, ...options });
  onTestFinished(() => warehouse.close());
  return warehouse;
}
