import { readRebuildRequest } from '../lib/app/orchestrationRequests';
import { queryOf } from './wiring/apiRequest';
import { registerAdminRequest, startAndAnswer } from './wiring/durableClient';
import { rebuildInstance } from './wiring/instances';

/** Starts the rebuild of a table of the warehouse. */
registerAdminRequest('postRebuild', 'POST', 'warehouse/{table}/rebuild', async (request, client) =>
  startAndAnswer(
    request,
    client,
    rebuildInstance(await readRebuildRequest(request.params.table, queryOf(request))),
  ),
);
