import { checkFunctions } from '../doctor/checkFunctions';
import { checkHub } from '../doctor/checkHub';
import { checkSchedules } from '../doctor/checkSchedules';
import { checkHostStorage, checkLake } from '../doctor/checkStorage';
import { checkWarehouse } from '../doctor/checkWarehouse';
import { type Finding, failed, ok, wrong } from '../doctor/finding';
import { appHere, type FunctionApp } from '../functionApp';
import type { Settings } from '../settings';
import { isLocalAccount } from '../storage/accountFacts';
import type { Stream } from '../streams/stream';
import { loadedTables } from './loadedTables';
import { ownFunctions } from './ownFunctions';
import { problemOfNode } from './startUp';

/** Which app is asked, as far as the user named one. */
export interface AskedApp {
  readonly url: URL | undefined;
  readonly key: string | undefined;
}

/**
 * Examines every resource that the settings name, and the app's functions, all at the same time. Yields the findings of each resource, in a
 * fixed order.
 */
export async function* examine(
  settings: Settings,
  streams: readonly Stream[],
  app: AskedApp,
): AsyncGenerator<Finding[]> {
  yield [checkNode(process.versions.node)];
  const tables = (await loadedTables()).map(({ table }) => table);
  const examinations = [
    checkHostStorage(settings.hostStorage),
    checkLake(settings.lake, settings.lakeContainer),
    ...streams.map((stream) => checkStream(settings, stream)),
    checkWarehouse(settings.warehouse, tables),
    checkListed(settings, streams, app),
  ];
  // An examination that fails before it is awaited must not end the process.
  for (const examination of examinations) examination.catch(() => {});
  for (const examination of examinations) yield await examination;
}

/** Checks the Node.js that runs this command. Under Core Tools the app runs on it too. */
export function checkNode(version: string): Finding {
  const [problem, remedy] = problemOfNode(version)?.split(/: (.*)/) ?? [];
  return problem === undefined ? ok('Node.js', version) : wrong('Node.js', problem, remedy ?? '');
}

async function checkListed(
  settings: Settings,
  streams: readonly Stream[],
  { url, key }: AskedApp,
): Promise<Finding[]> {
  const own = ownFunctions(settings, streams);
  return checkFunctions(own, url ? { url, key } : await likelyApp(settings, key));
}

/** With settings of this machine, the app is most likely here too. Settings of Azure do not tell the name of their app. */
async function likelyApp({ lake }: Settings, key: string | undefined): Promise<FunctionApp | undefined> {
  // If the lake's connection is wrong, the finding about the lake says so.
  const isHere = await isLocalAccount(lake).catch(() => false);
  return isHere ? { url: new URL(appHere), key } : undefined;
}

async function checkStream(settings: Settings, stream: Stream): Promise<Finding[]> {
  try {
    const { consumerGroup } = settings;
    const [listen, send] = [settings.hub(stream, 'listen'), settings.hub(stream, 'send')];
    const found = await checkHub({
      stream: stream.name,
      hubSetting: stream.hubSetting,
      listen,
      consumerGroup,
      send,
    });
    return [...found, ...checkSchedules(settings, stream)];
  } catch (error) {
    return [failed(`hub of ${stream.name}`, error)];
  }
}
