import { refuseParameters } from '../lib/app/orchestrationRequests';
import { queryOf } from './wiring/apiRequest';
import { answerStatus, registerAdminRequest } from './wiring/durableClient';
import { maintenanceId } from './wiring/instances';

/** Tells how far the last pass of maintenance is. */
registerAdminRequest('getMaintenance', 'GET', 'maintenance', async (request, client) => {
  refuseParameters(queryOf(request));
  const missing = 'There was no maintenance yet: POST /api/maintenance starts it.';
  return answerStatus(client, maintenanceId, missing);
});
