import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Child, startChild } from './childProcess';
import { brokerConfig, hubSettings } from './hubs';
import { appDir, compiled, sampleSettings } from './project';

export { appDir };

/*
 * The parts of the laptop's Azure as processes. Ports are TCP ports on 127.0.0.1; 0 takes a free one.
 */

interface ProcessOptions {
  readonly logDir: string;
}

export interface BrokerProcessOptions extends ProcessOptions {
  readonly port: number;
  /** The port that serves its health and figures. */
  readonly healthPort: number;
  readonly dataDir: string;
}

export interface BrokerProcess extends Child {
  readonly port: number;
  readonly healthUrl: string;
}

/** Starts the Event Hubs broker with a hub for every stream. */
export async function startBrokerProcess(options: BrokerProcessOptions): Promise<BrokerProcess> {
  const config = join(options.dataDir, 'config.json');
  mkdirSync(options.dataDir, { recursive: true });
  writeFileSync(config, JSON.stringify(await brokerConfig(), undefined, 2));
  const child = await startChild({
    name: 'broker',
    argv: [
      compiled('broker/main.js'),
      ...['--port', String(options.port), '--health-port', String(options.healthPort)],
      ...['--config', config, '--data', options.dataDir],
    ],
    logFile: join(options.logDir, 'broker.log'),
    ready: /broker listening on 127\.0\.0\.1:(\d+), health on (http:\/\/127\.0\.0\.1:\d+)/,
  });
  return { ...child, port: Number(child.readyMatch[1]), healthUrl: child.readyMatch[2] ?? '' };
}

export interface HostProcessOptions extends ProcessOptions {
  readonly port: number;
  /** The app's folder; by default this project. */
  readonly app?: string;
  /** The name of the host and of its log file, if there are several hosts. */
  readonly instance?: string;
  /** The scale group whose functions run in it; by default all functions do. */
  readonly group?: string;
  /**
   * The app's settings. The app does not see this process's own settings. Missing hub settings of streams are added.
   */
  readonly settings: Readonly<Record<string, string>>;
  /** How long the start may take; by default a minute. */
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
    argv: [
      compiled('host/main.js'),
      ...['--app', options.app ?? appDir, '--port', String(options.port), '--instance', name],
      ...(options.group === undefined ? [] : ['--group', options.group]),
    ],
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...(await hubSettings()), ...options.settings },
    logFile: join(options.logDir, `${name}.log`),
    ready: /host ready on (http:\/\/127\.0\.0\.1:\d+)/,
    ...(options.startLimitMs !== undefined && { startLimitMs: options.startLimitMs }),
  });
  return { ...child, url: child.readyMatch[1] ?? '' };
}

/** The addresses of the parts of the laptop's Azure. */
export interface LocalAddresses {
  readonly storageConnection: string;
  readonly brokerPort: number;
}

/**
 * The settings of local.settings.sample.json at these addresses. Its warehouse is left out, because it is a file that only one app may have
 * open.
 */
export function settingsAt(addresses: LocalAddresses): Record<string, string> {
  const sample = sampleSettings();
  return {
    ...sample,
    AzureWebJobsStorage: addresses.storageConnection,
    LakeStorage: addresses.storageConnection,
    WAREHOUSE: 'none',
    EventHubConnection: (sample.EventHubConnection ?? '').replace(
      /127\.0\.0\.1:\d+/,
      `127.0.0.1:${addresses.brokerPort}`,
    ),
  };
}
