import { FailureReader } from '../health/failureReader';
import { composeHealth, type Health } from '../health/health';
import { once } from '../once';
import { loadStreams } from '../streams/loadStreams';
import { appLake } from './lake';
import { warehouseHealth } from './warehouse';

const failureReader = once(() => new FailureReader({ store: async () => (await appLake()).store }));

/** The health of the whole app, whichever of its processes is asked. */
export const readHealth = async (): Promise<Health> =>
  composeHealth({
    streams: await loadStreams(),
    failures: () => failureReader().read(),
    warehouse: warehouseHealth,
  });
