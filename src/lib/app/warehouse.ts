import { describeFailure } from '../errors';
import { logEvent } from '../log';
import { once } from '../once';
import { settings } from '../settings';
import { loadStreams } from '../streams/loadStreams';
import type { Stream } from '../streams/stream';
import { StreamLoaders } from '../warehouse/streamLoaders';
import { appLake } from './lake';

/** No load begins this long after the call. A running load may take half as long again (270 s), which is below functionTimeout (300 s). */
const syncLimitMs = 180_000;

/** The loaders of this process. */
const loaders = once(
  async () =>
    new StreamLoaders({
      setting: (await settings()).warehouse,
      streams: await loadStreams(),
      at: async (table) => (await appLake()).at(table),
      staging: async () => (await appLake()).staging,
      onLoad: (report) => logEvent('information', 'load', report),
      warn: (message, code) =>
        logEvent('warning', code ? 'load-failed' : 'warehouse-problem', { ...(code && { code }), message }),
    }),
);

/** Asks for a stream's new rows to be loaded soon. Returns at once, because ingestion never waits for the warehouse. */
export function nudgeWarehouse(stream: Stream): void {
  loaders().then(
    (all) => all.nudge(stream),
    (error) => logEvent('warning', 'load-failed', { stream: stream.name, ...describeFailure(error) }),
  );
}

/** Loads all rows that the warehouse lacks. A failure is logged, and `GET /api/health` shows it. */
export const syncWarehouse = async (): Promise<void> => (await loaders()).catchUp(syncLimitMs);

/** Ends the loads, and the connections to the warehouse. */
export const closeWarehouse = async (): Promise<void> => (await loaders.made())?.close();
