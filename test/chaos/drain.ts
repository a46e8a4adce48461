import { setTimeout as sleep } from 'node:timers/promises';
import { followState } from '../../src/lib/delta/follow';
import type { TableState } from '../../src/lib/delta/state';
import { isDamage } from '../../src/lib/errors';
import { parseSettings } from '../../src/lib/settings';
import { openAzureBlobStore } from '../../src/lib/storage/azureBlobStore';
import type { ChaosSystem } from './system';

/** If nothing is committed for this long although there are events, something is stuck. Longer than the trigger's longest retry. */
const stuckMs = 90_000;

/** Waits until the table has all partitions to their ends. Returns the problems. */
export async function drain(system: ChaosSystem, log: (line: string) => void): Promise<string[]> {
  const started = Date.now();
  const done = await untilCommitted(system, () => system.lastSequenceNumbers('clickstream'));
  if ('problem' in done) return [done.problem];
  log(`drained in ${((Date.now() - started) / 1000).toFixed(1)} s, table version ${done.version}`);
  return [];
}

/** Waits until the table has each partition up to a sequence number, which is asked for again and again. */
export async function untilCommitted(
  system: ChaosSystem,
  wanted: () => Promise<readonly number[]>,
): Promise<{ readonly version: number } | { readonly problem: string }> {
  const { lake, lakeContainer } = parseSettings(system.settings);
  const table = followState({ store: await openAzureBlobStore(lake, lakeContainer), table: 'clicks' });
  let moved = { version: -1, at: Date.now() };
  for (;;) {
    const lasts = await wanted();
    let state: TableState | undefined;
    try {
      state = await table.toHead();
    } catch (error) {
      if (!isDamage(error)) throw error;
      return { problem: `The table cannot be read: ${error.message}` };
    }
    const txns = [...(state?.txns.values() ?? [])];
    const committed = lasts.map(
      (_last, partition) => txns.find(({ appId }) => appId.endsWith(`/${partition}`))?.version ?? -1,
    );
    const version = state?.version ?? -1;
    if (lasts.every((last, partition) => (committed[partition] ?? -1) >= last)) return { version };
    if (version > moved.version) moved = { version, at: Date.now() };
    if (Date.now() - moved.at > stuckMs)
      return {
        problem: `Stuck: the hub is at ${lasts.join(', ')} and the table at ${committed.join(', ')}.`,
      };
    await sleep(500);
  }
}
