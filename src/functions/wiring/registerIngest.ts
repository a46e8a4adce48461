import { app, trigger } from '@azure/functions';
import { ingest } from '../../lib/app/ingest';
import { connectionName } from '../../lib/streams/connectionName';
import type { Stream } from '../../lib/streams/stream';
import { logged } from './logged';

/**
 * Registers the function that carries a stream's events from its hub into its Delta table. Bodies are asked for as bytes:
 * otherwise one event that is not JSON fails its whole batch before this code runs. A failed batch is tried again
 * without limit, because the trigger steps over it once the retries end.
 */
export function registerIngest(name: string, stream: Stream): void {
  app.generic(name, {
    trigger: trigger.generic({
      type: 'eventHubTrigger',
      connection: connectionName(stream, 'listen'),
      eventHubName: `%${stream.hubSetting}%`,
      consumerGroup: '%CONSUMER_GROUP%',
      cardinality: 'many',
      dataType: 'binary',
    }),
    retry: {
      strategy: 'exponentialBackoff',
      maxRetryCount: -1,
      minimumInterval: { seconds: 1 },
      maximumInterval: { seconds: 50 },
    },
    handler: logged((bodies: unknown, context) => ingest(stream, bodies, context.triggerMetadata)),
  });
}
