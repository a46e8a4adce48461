import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Child, startChild } from './childProcess';
import { appDir, compiled, sampleSettings } from './project';

/*
 * A stream whose events come from a service may bring a simulator of it: a folder of local/ with a simulator.json. Its main.ts
 * takes --port and --key, and says "NAME listening on URL" when it is ready.
 */

export interface Simulator {
  /** Of its folder, and of the stream. */
  readonly name: string;
  /** What it simulates, for people: "the CoinCap API". */
  readonly of: string;
  /** Its port unless told. */
  readonly port: number;
  /** The setting by which the app finds it. */
  readonly urlSetting: string;
  /** The setting with the key that requests must bear. */
  readonly keySetting: string;
}

/** Every simulator there is. */
export const simulators: readonly Simulator[] = readdirSync(join(appDir, 'local'))
  .toSorted()
  .map((name) => ({ name, path: join(appDir, 'local', name, 'simulator.json') }))
  .filter(({ path }) => existsSync(path))
  .map(({ name, path }) => ({ ...JSON.parse(readFileSync(path, 'utf8')), name }));

export interface SimulatorProcess extends Child {
  readonly url: string;
}

/** Starts a simulator. It takes the key of the sample settings. */
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
