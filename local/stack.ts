import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startAzurite } from './azurite';
import type { Child } from './childProcess';
import { hubSettings } from './hubs';
import { settingsAt, startBrokerProcess, startHostProcess } from './processes';
import { loadSimulators, startSimulator } from './simulators';

/** TCP ports on 127.0.0.1; 0 takes a free one. */
export interface StackPorts {
  readonly broker: number;
  readonly health: number;
  readonly blob: number;
  /** The ports of the simulators, by their names. */
  readonly [simulator: string]: number;
}

export const defaultPorts = { api: 7071, broker: 5672, health: 5300, blob: 10_000 };

export interface EmulatorOptions {
  /** Folder for everything that is kept: broker log, checkpoints, lake, process logs. */
  readonly dataDir: string;
  readonly ports: StackPorts;
  /** Naming them starts the queue and table services as well. */
  readonly queuePort?: number;
  readonly tablePort?: number;
}

/** Broker, storage and the simulators of sources, each a process of its own. */
export interface Emulators {
  /** Health and figures of the broker. */
  readonly brokerUrl: string;
  /** The app's settings with these emulators. */
  readonly settings: Readonly<Record<string, string>>;
  readonly logDir: string;
  /** Resolves, when a process ends that was not asked to, to one line about it. */
  readonly failed: Promise<string>;
  /** Ends the processes in order; resolves to one line for each that did not end cleanly. */
  stop(): Promise<string[]>;
}

/** Starts the emulators. Rejects, after ending those that run, with one line about what failed. */
export async function startEmulators(options: EmulatorOptions): Promise<Emulators> {
  const { dataDir } = options;
  const logDir = join(dataDir, 'logs');
  mkdirSync(logDir, { recursive: true });
  const pidFile = pidFileIn(dataDir);
  // For the commands, which then need no settings of their own.
  const settingsFile = join(dataDir, 'settings.json');
  const running: Running[] = [];
  const stop = async (): Promise<string[]> => {
    const problems: string[] = [];
    for (const process of running.splice(0).reverse()) {
      const problem = await process.stop();
      if (problem) problems.push(problem);
    }
    for (const file of [pidFile, settingsFile]) rmSync(file, { force: true });
    return problems;
  };
  try {
    const { azurite, broker, sources } = await startProcesses(options, logDir, running);
    writeFileSync(pidFile, JSON.stringify(running.map(({ pid }) => pid)));
    const { connectionString: storageConnection } = azurite;
    const settings = {
      ...(await hubSettings()),
      ...settingsAt({ storageConnection, brokerPort: broker.port }),
      ...Object.fromEntries(sources.map(({ urlSetting, child }) => [urlSetting, child.url])),
      WAREHOUSE: `duckdb:${join(dataDir, 'warehouse.duckdb')}`,
    };
    writeFileSync(settingsFile, JSON.stringify({ Values: settings }, undefined, 2));
    const children = [broker, ...sources.map(({ child }) => child)];
    const failed = Promise.race(children.map((child) => unexpectedEnd(child, logDir)));
    return { brokerUrl: broker.healthUrl, settings, logDir, failed, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A process that was started, and how it is ended; `stop` resolves to one line where it did not end cleanly. */
interface Running {
  readonly pid: number;
  stop(): Promise<string | undefined>;
}

/** Starts storage, broker and simulators one after the other, and adds each to `running` once it runs. */
async function startProcesses(
  { dataDir, ports, queuePort, tablePort }: EmulatorOptions,
  logDir: string,
  running: Running[],
) {
  const run = <T extends Child>(child: T): T => {
    running.push({ pid: child.pid, stop: () => stopChild(child, logDir) });
    return child;
  };
  const azurite = await startAzurite({
    dataDir: join(dataDir, 'storage'),
    blobPort: ports.blob,
    ...(queuePort === undefined ? {} : { queuePort }),
    ...(tablePort === undefined ? {} : { tablePort }),
  });
  running.push({ pid: azurite.pid, stop: () => azurite.close().then(() => undefined) });
  const brokerDir = join(dataDir, 'broker');
  const broker = run(
    await startBrokerProcess({ port: ports.broker, healthPort: ports.health, dataDir: brokerDir, logDir }),
  );
  const sources = [];
  for (const simulator of await loadSimulators()) {
    const { name, port, urlSetting } = simulator;
    const child = run(await startSimulator(simulator, { port: ports[name] ?? port, logDir }));
    sources.push({ urlSetting, child });
  }
  return { azurite, broker, sources };
}

export interface StackOptions extends EmulatorOptions {
  readonly apiPort: number;
  readonly clicksPerSecond: number;
}

/** The whole system on this machine: the emulators and a Functions host with the app. */
export interface Stack extends Emulators {
  readonly apiUrl: string;
}

/** Starts everything. Rejects, after ending what runs, with one line about what failed. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const emulators = await startEmulators(options);
  const { logDir } = emulators;
  const settings = { ...emulators.settings, CLICKS_PER_SECOND: String(options.clicksPerSecond) };
  try {
    const host = await startHostProcess({ port: options.apiPort, settings, logDir });
    return {
      ...emulators,
      settings,
      apiUrl: host.url,
      failed: Promise.race([emulators.failed, unexpectedEnd(host, logDir)]),
      async stop() {
        const problem = await stopChild(host, logDir);
        return [...(problem ? [problem] : []), ...(await emulators.stop())];
      },
    };
  } catch (error) {
    await emulators.stop();
    throw error;
  }
}

const unexpectedEnd = async (child: Child, logDir: string) =>
  `${child.name} ended with ${await child.exited}; see ${logDir}.`;

async function stopChild(child: Child, logDir: string): Promise<string | undefined> {
  const code = await child.stop();
  return code === 0 ? undefined : `${child.name} did not end cleanly (${code}); see ${logDir}.`;
}

const pidFileIn = (dataDir: string) => join(dataDir, 'pids.json');

/**
 * Waits until the processes of a run that was killed have ended themselves: until then they hold the ports, and two on one
 * folder would destroy it. Throws one line when they go on.
 */
export async function waitForPrevious(dataDir: string): Promise<void> {
  const pidFile = pidFileIn(dataDir);
  if (!existsSync(pidFile)) return;
  const pids: number[] = JSON.parse(readFileSync(pidFile, 'utf8'));
  for (let tries = 0; tries < 100 && pids.some(isAlive); tries++) await sleep(100);
  if (pids.some(isAlive)) {
    throw new Error(
      `It runs here already: processes ${pids.filter(isAlive).join(', ')} use ${dataDir}. If they are others, delete ${pidFile}.`,
    );
  }
  rmSync(pidFile, { force: true });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
