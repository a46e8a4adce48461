import { answerStatus, registerAdminRequest } from './wiring/durableClient';
import { maintenanceId } from './wiring/instances';

/** Tells how far the last pass of maintenance is. */
registerAdminRequest('getMaintenance', 'GET', 'maintenance', (_request, client) =>
  answerStatus(client, maintenanceId, 'There was no maintenance yet: POST /api/maintenance starts it.'),
);
