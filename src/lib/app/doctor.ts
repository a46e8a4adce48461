import { checkHub } from '../doctor/checkHub';
import { checkSchedules } from '../doctor/checkSchedules';
import { checkHostStorage, checkLake } from '../doctor/checkStorage';
import { checkWarehouse } from '../doctor/checkWarehouse';
import { type Finding, failed } from '../doctor/finding';
import type { Settings } from '../settings';
import type { Stream } from '../streams/stream';
import { loadedTables } from './loadedTables';

/** Looks at every resource that the settings name, all at the same time. Yields each resource's findings, in a fixed order. */
export async function* examine(settings: Settings, streams: readonly Stream[]): AsyncGenerator<Finding[]> {
  const tables = (await loadedTables()).map(({ table }) => table);
  const examinations = [
    checkHostStorage(settings.hostStorage),
    checkLake(settings.lake, settings.lakeContainer),
    ...streams.map((stream) => checkStream(settings, stream)),
    checkWarehouse(settings.warehouse, tables),
  ];
  // One that fails before its turn is awaited must not end the process.
  for (const examination of examinations) examination.catch(() => {});
  for (const examination of examinations) yield await examination;
}

async function checkStream(settings: Settings, stream: Stream): Promise<Finding[]> {
  try {
    const { consumerGroup } = settings;
    const [listen, send] = [settings.hub(stream, 'listen'), settings.hub(stream, 'send')];
    const found = await checkHub({ stream: stream.name, listen, consumerGroup, send });
    return [...found, ...checkSchedules(settings, stream)];
  } catch (error) {
    return [failed(`hub of ${stream.name}`, error)];
  }
}
