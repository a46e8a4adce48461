import * as df from 'durable-functions';
import { dayMs } from '../../lib/duration';
import { describeFailure } from '../../lib/errors';
import { logEvent } from '../../lib/log';

/** How long, in milliseconds, the history of an instance is kept after its end. */
const keptMs = 30 * dayMs;

const { Completed, Failed, Terminated } = df.OrchestrationRuntimeStatus;

/** Deletes the histories of instances that are long over. Nothing depends on it, so a failure is only logged. */
export async function purgeOldInstances(client: df.DurableClient): Promise<void> {
  try {
    await client.purgeInstanceHistoryBy({
      createdTimeFrom: new Date(0),
      createdTimeTo: new Date(Date.now() - keptMs),
      runtimeStatus: [Completed, Failed, Terminated],
    });
  } catch (error) {
    logEvent('warning', 'purge-failed', describeFailure(error));
  }
}
