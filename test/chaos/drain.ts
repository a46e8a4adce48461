import { setTimeout as sleep } from 'node:timers/promises';
import { openSnapshot, updateSnapshot } from '../../src/lib/delta/openTable';
import type { Snapshot } from '../../src/lib/delta/state';
import { parseSettings } from '../../src/lib/settings';
import { openAzureBlobStore } from '../../src/lib/storage/azureBlobStore';
import type { ChaosSystem } from './system';

/** Nothing more is committed although there are events: something is stuck. Longer than the longest retry of the trigger. */
const stuckMs = 90_000;

/** Waits until the table has read all partitions to their ends. Returns what is wrong. */
export async function drain(system: ChaosSystem, log: (line: string) => void): Promise<string[]> {
  const { lake, lakeContainer } = parseSettings(system.settings);
  const at = { store: await openAzureBlobStore(lake, lakeContainer), table: 'clicks' };
  const started = Date.now();
  let snapshot: Snapshot | undefined;
  let moved = { version: -1, at: Date.now() };
  for (;;) {
    const lasts = await system.lastSequenceNumbers('clickstream');
    snapshot = snapshot ? await updateSnapshot(snapshot) : await openSnapshot(at);
    const txns = [...(snapshot?.txns.values() ?? [])];
    const committed = lasts.map(
      (_last, partition) => txns.find(({ appId }) => appId.endsWith(`/${partition}`))?.version ?? -1,
    );
    if (lasts.every((last, partition) => committed[partition] === last)) {
      log(`drained in ${((Date.now() - started) / 1000).toFixed(1)} s, table version ${snapshot?.version}`);
      return [];
    }
    const version = snapshot?.version ?? -1;
    if (version > moved.version) moved = { version, at: Date.now() };
    if (Date.now() - moved.at > stuckMs)
      return [`Stuck: the hub is at ${lasts.join(', ')} and the table at ${committed.join(', ')}.`];
    await sleep(500);
  }
}
