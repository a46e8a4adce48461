import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { once } from '../src/lib/once';
import { loadStreams } from '../src/lib/streams/loadStreams';
import { settingsOf } from '../src/lib/streams/stream';
import { type Child, startChild } from './childProcess';
import { appDir, compiled, sampleSettings } from './project';

/*
 * Simulators of services from which a stream's events come. A folder of local/ that has a simulator.json simulates such a service. Its
 * main.ts takes --port and --key, and prints "NAME listening on URL" when it is ready. It is started only if a stream has the setting with
 * the service's address.
 */

export interface Simulator {
  /** The name of its folder. */
  readonly name: string;
  /** The simulated service in words, for the usage: "port of the simulator of …". */
  readonly of: string;
  /** Its default port. */
  readonly port: number;
  /** The setting with its address. */
  readonly urlSetting: string;
  /** The setting with the key that requests must carry. */
  readonly keySetting: string;
}

/** The simulators of the services that the streams need, in the order of their names. */
export const loadSimulators = once(async (): Promise<readonly Simulator[]> => {
  const settings = new Set((await loadStreams()).flatMap(settingsOf).map(({ name }) => name));
  return readdirSync(join(appDir, 'local'))
    .toSorted()
    .map((name) => ({ name, path: join(appDir, 'local', name, 'simulator.json') }))
    .filter(({ path }) => existsSync(path))
    .map(({ name, path }): Simulator => ({ ...JSON.parse(readFileSync(path, 'utf8')), name }))
    .filter(({ urlSetting }) => settings.has(urlSetting));
});

export interface SimulatorProcess extends Child {
  readonly url: string;
}

/** Starts a simulator. It expects the key of the sample settings. */
export async function startSimulator(
  { name, keySetting }: Simulator,
  options: { readonly port: number; readonly logDir: string },
): Promise<SimulatorProcess> {
  const key = sampleSettings()[keySetting] ?? '';
  const child = await startChild({
    name,
    argv: [compiled(`${name}/main.js`), '--port', String(options.port), '--key', key],
    logFile: join(options.logDir, `${name}.log`),
    ready: /listening on (http:\/\/127\.0\.0\.1:\d+)/,
  });
  return { ...child, url: child.readyMatch[1] ?? '' };
}
