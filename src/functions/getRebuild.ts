import { readTable, refuseParameters } from '../lib/app/orchestrationRequests';
import { queryOf } from './wiring/apiRequest';
import { answerStatus, registerAdminRequest } from './wiring/durableClient';
import { rebuildId } from './wiring/instances';

/** Tells how far the last rebuild of a table of the warehouse is. */
registerAdminRequest('getRebuild', 'GET', 'warehouse/{table}/rebuild', async (request, client) => {
  refuseParameters(queryOf(request));
  const table = await readTable(request.params.table);
  const missing = `There was no rebuild of ${table} yet: POST /api/warehouse/${table}/rebuild starts one.`;
  return answerStatus(client, rebuildId(table), missing);
});
