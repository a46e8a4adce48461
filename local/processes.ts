import { readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { type Child, startChild } from './childProcess';

/*
 * The parts of the laptop's Azure as processes. Ports are TCP ports on 127.0.0.1; 0 takes a free one.
 */

/** The project's folder. This file runs compiled, from dist/local, and under vitest as it is, from local. */
export const appDir = resolve(__dirname, basename(dirname(__dirname)) === 'dist' ? '../..' : '..');

const compiled = (path: string) => join(appDir, 'dist', 'local', path);

interface ProcessOptions {
  readonly logDir: string;
}

export interface BrokerProcessOptions extends ProcessOptions {
  readonly port: number;
  /** Where health and figures are served. */
  readonly healthPort: number;
  readonly dataDir: string;
}

export interface BrokerProcess extends Child {
  readonly port: number;
  readonly healthUrl: string;
}

/** Starts the Event Hubs broker with the hubs of local/broker/config.json. */
export async function startBrokerProcess(options: BrokerProcessOptions): Promise<BrokerProcess> {
  const child = await startChild({
    name: 'broker',
    argv: [
      compiled('broker/main.js'),
      ...['--port', String(options.port), '--health-port', String(options.healthPort)],
      ...['--config', join(appDir, 'local/broker/config.json'), '--data', options.dataDir],
    ],
    logFile: join(options.logDir, 'broker.log'),
    ready: /broker listening on 127\.0\.0\.1:(\d+), health on (http:\/\/127\.0\.0\.1:\d+)/,
  });
  return { ...child, port: Number(child.readyMatch[1]), healthUrl: child.readyMatch[2] ?? '' };
}

export interface CoincapProcess extends Child {
  readonly url: string;
}

/** Starts the CoinCap simulator. It takes the key of local.settings.sample.json. */
export async function startCoincapProcess(
  options: ProcessOptions & { readonly port: number },
): Promise<CoincapProcess> {
  const child = await startChild({
    name: 'coincap',
    argv: [
      compiled('coincap/main.js'),
      '--port',
      String(options.port),
      '--key',
      sampleSettings().COINCAP_API_KEY ?? '',
    ],
    logFile: join(options.logDir, 'coincap.log'),
    ready: /coincap listening on (http:\/\/127\.0\.0\.1:\d+)/,
  });
  return { ...child, url: child.readyMatch[1] ?? '' };
}

export interface HostProcessOptions extends ProcessOptions {
  readonly port: number;
  /** Names the host, and its log file, among several. */
  readonly instance?: string;
  /** The app's settings; nothing of this process's own settings reaches the app but through them. */
  readonly settings: Readonly<Record<string, string>>;
  /** A minute unless told. */
  readonly startLimitMs?: number;
}

export interface HostProcess extends Child {
  readonly url: string;
}

/** Starts a Functions host with the compiled app. */
export async function startHostProcess(options: HostProcessOptions): Promise<HostProcess> {
  const name = options.instance ?? 'host';
  const child = await startChild({
    name,
    argv: [compiled('host/main.js'), '--app', appDir, '--port', String(options.port), '--instance', name],
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...options.settings },
    logFile: join(options.logDir, `${name}.log`),
    ready: /host ready on (http:\/\/127\.0\.0\.1:\d+)/,
    ...(options.startLimitMs !== undefined && { startLimitMs: options.startLimitMs }),
  });
  return { ...child, url: child.readyMatch[1] ?? '' };
}

/** Where the parts of the laptop's Azure are. */
export interface LocalAddresses {
  readonly storageConnection: string;
  readonly brokerPort: number;
  readonly coincapUrl: string;
}

/** The settings of local.settings.sample.json at these addresses. */
export function settingsAt(addresses: LocalAddresses): Record<string, string> {
  const sample = sampleSettings();
  return {
    ...sample,
    AzureWebJobsStorage: addresses.storageConnection,
    LakeStorage: addresses.storageConnection,
    EventHubConnection: (sample.EventHubConnection ?? '').replace(
      /127\.0\.0\.1:\d+/,
      `127.0.0.1:${addresses.brokerPort}`,
    ),
    COINCAP_URL: addresses.coincapUrl,
  };
}

function sampleSettings(): Record<string, string> {
  const sample: { Values: Record<string, string> } = JSON.parse(
    readFileSync(join(appDir, 'local.settings.sample.json'), 'utf8'),
  );
  return sample.Values;
}
