import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadSimulators } from '../local/simulators';
import { type Emulators, startEmulators } from '../local/stack';
import { parseSettings } from '../src/lib/settings';
import { type EventProducer, openProducer } from '../src/lib/sources/sendEvents';
import { clickstream } from '../src/lib/streams/clickstream';

/** Does work with emulators of its own, on free ports and in a folder that is deleted afterwards. */
export async function withEmulators<T>(
  work: (emulators: Emulators, dataDir: string) => Promise<T>,
): Promise<T> {
  const dataDir = mkdtempSync(join(tmpdir(), 'tributary-bench-'));
  const simulatorPorts = Object.fromEntries((await loadSimulators()).map(({ name }) => [name, 0]));
  const ports = { ...simulatorPorts, broker: 0, health: 0, blob: 0 };
  const emulators = await startEmulators({ command: 'npm run bench', dataDir, ports });
  try {
    return await work(emulators, dataDir);
  } finally {
    for (const problem of await emulators.stop()) console.error(problem);
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** Does work with a producer that sends to the hub of clicks. */
export async function withProducer<T>(
  settings: Emulators['settings'],
  work: (producer: EventProducer) => Promise<T>,
): Promise<T> {
  const { namespace, hub } = parseSettings(settings).hub(clickstream, 'send');
  const producer = openProducer(namespace, hub);
  try {
    return await work(producer);
  } finally {
    await producer.close();
  }
}
