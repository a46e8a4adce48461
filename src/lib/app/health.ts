import { followSnapshot, followState } from '../delta/follow';
import type { TableState } from '../delta/state';
import { hourMs } from '../duration';
import {
  composeHealth,
  type Health,
  type HealthSources,
  type StreamSources,
  withFailuresHere,
} from '../health/health';
import { Recent } from '../health/recent';
import { lettersSince } from '../health/recentLetters';
import { StuckPartitions } from '../health/stuckPartitions';
import { readWarehouseHealth } from '../health/warehouseHealth';
import { HubDirectory } from '../ingest/hubDirectory';
import { readFailures } from '../ingest/ingestFailure';
import { deadLettersTable } from '../lake/deadLetters';
import { once, oncePerKey } from '../once';
import { settings } from '../settings';
import { loadStreams } from '../streams/loadStreams';
import type { Stream } from '../streams/stream';
import { failuresHere } from './ingest';
import { appLake } from './lake';

/** How long health may wait for the lake. The times are short, because probes do not wait for long. */
const lakeLimits = { ageMs: 3000, limitMs: 5000, lateCode: 'storage.unavailable' } as const;
/** How long the answer about dead letters is kept. That is longer, because rows must be read for it. */
const lettersLimits = { ...lakeLimits, ageMs: 10_000 };
const hubLimits = { ageMs: 10_000, limitMs: 2000, lateCode: 'hub.unavailable' } as const;

/**
 * The hubs, on connections of their own. A connection is given up after a question without an answer. If ingestion used the same one, a
 * batch could fail because a probe did not wait.
 */
const hubsOf = oncePerKey(
  async (stream: Stream) => new HubDirectory((await settings()).hub(stream, 'listen').namespace),
);

/** The newest version of each stream's table, for the streams and for the warehouse. */
const headOf = oncePerKey((stream: Stream) => {
  const follower = once(async () => followState((await appLake()).at(stream.table)));
  return new Recent<TableState | undefined>({
    ask: async () => (await follower()).toHead(),
    ...lakeLimits,
  });
});

function streamSources(stream: Stream): StreamSources {
  const hub = new Recent({
    ask: async () => {
      const { hub } = (await settings()).hub(stream, 'listen');
      return (await hubsOf(stream)).heads(hub, hubLimits.limitMs);
    },
    ...hubLimits,
  });
  return {
    stream,
    table: () => headOf(stream).read(),
    hub: () => hub.read(),
    stuck: new StuckPartitions({ now: Date.now, monotonicNow: () => performance.now() }),
  };
}

/** A follower of the dead letters' table. It is kept, because opening the table anew reads all log entries since the last checkpoint. */
const lettersFollower = once(async () => followSnapshot((await appLake()).at(deadLettersTable)));

const openStore = async () => (await appLake()).store;

const healthSources = once(async (): Promise<HealthSources> => {
  const streams = await loadStreams();
  const recorded = new Recent({ ask: async () => readFailures(await openStore()), ...lakeLimits });
  const letters = new Recent({
    ask: async () => lettersSince(await (await lettersFollower()).toHead(), Date.now() - hourMs),
    ...lettersLimits,
  });
  const warehouse = new Recent({
    ask: async () =>
      readWarehouseHealth({
        kind: (await settings()).warehouse.kind,
        store: openStore,
        tables: streams.flatMap((stream) =>
          stream.warehouse ? [{ table: stream.warehouse, state: () => headOf(stream).value() }] : [],
        ),
      }),
    ...lakeLimits,
  });
  return {
    streams: streams.map(streamSources),
    failures: async () => withFailuresHere(await recorded.read(), failuresHere()),
    letters: () => letters.read(),
    warehouse: () => warehouse.read(),
  };
});

/** The health of the whole app, whichever of its processes is asked. */
export const readHealth = async (): Promise<Health> => composeHealth(await healthSources());

/** Closes the connections used to ask the hubs. */
export async function closeHealth(): Promise<void> {
  for (const hubs of hubsOf.made().values()) (await hubs).close();
}
