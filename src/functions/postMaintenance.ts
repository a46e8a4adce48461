import { readMaintenanceRequest } from '../lib/app/orchestrationRequests';
import { queryOf } from './wiring/apiRequest';
import { findStatus, registerAdminRequest, startAndAnswer } from './wiring/durableClient';
import { maintenanceId, maintenanceInstance } from './wiring/instances';

/** Starts a pass of maintenance by hand. */
registerAdminRequest('postMaintenance', 'POST', 'maintenance', async (request, client) => {
  const previous = await findStatus(client, maintenanceId);
  const input = await readMaintenanceRequest(queryOf(request), previous?.input);
  return startAndAnswer(request, client, maintenanceInstance(input));
});
