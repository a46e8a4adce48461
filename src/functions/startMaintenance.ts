import * as df from 'durable-functions';
import { timedPass } from '../lib/app/maintenance';
import { findStatus, loggedWithClient, startUnlessRunning } from './wiring/durableClient';
import { maintenanceId, maintenanceInstance } from './wiring/instances';
import { purgeOldInstances } from './wiring/purge';

/** Starts the passes of maintenance. If one runs already, it goes on, and the next tick starts the next. */
df.app.client.timer('startMaintenance', {
  schedule: '0 */5 * * * *',
  handler: loggedWithClient(async (_timer, client) => {
    const previous = await findStatus(client, maintenanceId);
    const input = await timedPass(previous?.input, new Date());
    await startUnlessRunning(client, maintenanceInstance(input));
    if (input.steps.includes('vacuum')) await purgeOldInstances(client);
  }),
});
