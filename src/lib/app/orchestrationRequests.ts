import { type ApiAnswer, answerProblem, RequestProblem, shown } from '../api/answer';
import { Parameters } from '../api/parameters';
import { describeFailure, TributaryError } from '../errors';
import { logEvent } from '../log';
import { type MaintenanceInput, maintenanceSteps } from '../orchestrations/maintainTables';
import type { RebuildInput } from '../orchestrations/rebuildWarehouse';
import { settings } from '../settings';
import { fullName } from '../warehouse/warehouse';
import { failureOf } from './failure';
import { findLoadedTable, loadedTables } from './loadedTables';
import { requestedPass, tableNames } from './maintenance';

/*
 * The requests that start orchestrations, and those that ask how far they are.
 */

/** Returns the answer of `work`. If it throws, returns an answer that says what is wrong with the request, or what failed. */
export async function orProblem<Answer>(work: () => Promise<Answer>): Promise<Answer | ApiAnswer> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof RequestProblem) {
      const { status, message, parameter, accepts } = error;
      return answerProblem(status, message, { parameter, accepts });
    }
    logEvent('error', 'request-failed', describeFailure(error));
    if (!(error instanceof TributaryError)) return answerProblem(503, noOrchestrations);
    const { code, message } = failureOf(error);
    return answerProblem(503, `${message.replace(/\.$/, '')} (${code}, see docs/errors.md).`);
  }
}

/** The answer to all other failures. They come from the host, which the client of Durable Functions asks, and which does not say why. */
const noOrchestrations =
  'The host can neither start orchestrations nor tell of them just now. It keeps them in the storage of AzureWebJobsStorage or, where DurableTaskScheduler is set, as in Azure, in that scheduler: if this does not pass in a minute, see that it is there (npm run doctor looks at the storage), and read the log of the app.';

/** The instance of an orchestration was never started, or was purged. */
export const noInstance = (what: string): RequestProblem => new RequestProblem(404, what);

/**
 * Reads a request to POST /api/maintenance.
 * @param previous the input of the last pass
 * @throws RequestProblem naming the parameter and what it accepts
 */
export async function readMaintenanceRequest(
  query: URLSearchParams,
  previous: unknown,
): Promise<MaintenanceInput> {
  const parameters = new Parameters(query, ['table', 'step']);
  const table = parameters.oneOf('table', await tableNames());
  const step = parameters.oneOf('step', maintenanceSteps);
  return requestedPass({ table, step }, previous, new Date());
}

/**
 * Refuses parameters in a request for a status: with a table or a step in it, the answer would look like the status of that table or step.
 */
export const refuseParameters = (query: URLSearchParams): void => void new Parameters(query, []);

/** Reads a request to POST /api/warehouse/{table}/rebuild. */
export async function readRebuildRequest(
  table: string | undefined,
  query: URLSearchParams,
): Promise<RebuildInput> {
  const parameters = new Parameters(query, ['yes']);
  const name = await readTable(table);
  if ((await settings()).warehouse.kind === 'none')
    throw new RequestProblem(400, 'WAREHOUSE is none: there is no warehouse to rebuild a table of.');
  return { table: name, yes: parameters.oneOf('yes', ['true', 'false']) === 'true' };
}

/** The full name of a table of the warehouse, by that name or by the name of its Delta table. */
export async function readTable(text = ''): Promise<string> {
  const found = await findLoadedTable(text);
  if (found) return fullName(found.table);
  const accepts = `one of ${(await loadedTables()).map(({ table }) => fullName(table)).join(', ')}`;
  throw new RequestProblem(400, `table is ${shown(text)}: expected ${accepts}.`, {
    parameter: 'table',
    accepts,
  });
}
