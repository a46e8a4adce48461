import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startAzurite } from './azurite';
import type { Child } from './childProcess';
import { runFunction, stopSources } from './hostAdmin';
import { hubSettings } from './hubs';
import { type HostProcess, settingsAt, startBrokerProcess, startHostProcess } from './processes';
import { markRun, type RunMark } from './runMark';
import { startScaleGroups } from './scaleGroups';
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
  /** The command that started them, like `npm start`. A second run in the same folder names it. */
  readonly command: string;
  /** Folder for everything that is kept: broker log, checkpoints, lake, process logs. */
  readonly dataDir: string;
  readonly ports: StackPorts;
  /** If this port is given, the queue and table services are started as well. */
  readonly queuePort?: number;
  readonly tablePort?: number;
}

/** Broker, storage and the simulators of sources, each a process of its own. */
export interface Emulators {
  /** The address of the broker's health and figures. */
  readonly brokerUrl: string;
  /** The app's settings with these emulators. */
  readonly settings: Readonly<Record<string, string>>;
  readonly logDir: string;
  readonly mark: RunMark;
  /** If a process ends unexpectedly, resolves to one line about it. */
  readonly failed: Promise<string>;
  /** Ends the processes in order; resolves to one line for each that did not end cleanly. */
  stop(): Promise<string[]>;
}

/**
 * Starts the emulators. Rejects with one line about what failed, after ending those that run.
 *
 * The settings are kept in the data folder for commands: in `settings.json` while the emulators run, and afterwards in
 * `last-settings.json`, for commands that work without them.
 */
export async function startEmulators(options: EmulatorOptions): Promise<Emulators> {
  const { dataDir } = options;
  const logDir = join(dataDir, 'logs');
  const settingsFile = join(dataDir, 'settings.json');
  const mark = await markRun(dataDir, options.command);
  mkdirSync(logDir, { recursive: true });
  const running: Running[] = [];
  const stop = async (): Promise<string[]> => {
    const problems: string[] = [];
    for (const process of running.splice(0).reverse()) {
      const problem = await process.stop();
      if (problem) problems.push(problem);
    }
    if (existsSync(settingsFile)) renameSync(settingsFile, join(dataDir, 'last-settings.json'));
    mark.remove();
    return problems;
  };
  try {
    const { azurite, broker, sources } = await startProcesses(options, logDir, (started) => {
      running.push(started);
      mark.addChild(started.pid);
    });
    const { connectionString: storageConnection } = azurite;
    const settings = {
      ...(await hubSettings()),
      ...settingsAt({ storageConnection, brokerPort: broker.port }),
      ...Object.fromEntries(sources.map(({ urlSetting, child }) => [urlSetting, child.url])),
      WAREHOUSE: `duckdb:${join(dataDir, 'warehouse.duckdb')}`,
    };
    writeFileSync(settingsFile, JSON.stringify({ Values: settings }, undefined, 2));
    const failed = Promise.race(running.map((started) => unexpectedEnd(started, logDir)));
    return { brokerUrl: broker.healthUrl, settings, logDir, mark, failed, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A process that was started, with a function that ends it. `stop` resolves to one line if the process did not end cleanly. */
interface Running extends Pick<Child, 'name' | 'pid' | 'exited'> {
  stop(): Promise<string | undefined>;
}

/** Starts storage, broker and simulators one after the other, and tells of each once it runs. */
async function startProcesses(
  { dataDir, ports, queuePort, tablePort }: EmulatorOptions,
  logDir: string,
  onStart: (started: Running) => void,
) {
  const run = <T extends Child>(child: T): T => {
    onStart({ ...child, stop: () => stopChild(child, logDir) });
    return child;
  };
  const azurite = await startAzurite({
    dataDir: join(dataDir, 'storage'),
    logFile: join(logDir, 'storage.log'),
    blobPort: ports.blob,
    ...(queuePort === undefined ? {} : { queuePort }),
    ...(tablePort === undefined ? {} : { tablePort }),
  });
  onStart({ ...azurite, name: 'storage', stop: () => azurite.close().then(() => undefined) });
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
  /** True to run HTTP, Durable and every other function in processes of their own, as on Flex Consumption. */
  readonly groups?: boolean;
}

/** The whole system on this machine: the emulators, and Functions hosts with the app. */
export interface Stack extends Emulators {
  readonly apiUrl: string;
  /** Stops all functions that send events. */
  stopSources(): Promise<void>;
  /** Runs a function by hand, in the host that has it. Resolves when the host has accepted that, or has refused it. */
  runFunction(name: string): Promise<void>;
}

/** Starts everything. Rejects with one line about what failed, after ending what runs. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const emulators = await startEmulators(options);
  const { logDir, mark } = emulators;
  const settings = { ...emulators.settings, CLICKS_PER_SECOND: String(options.clicksPerSecond) };
  try {
    const hostOptions = { port: options.apiPort, settings, logDir };
    const hosts: HostProcess[] = options.groups
      ? await startScaleGroups(hostOptions, ({ pid }) => mark.addChild(pid))
      : [await startHostProcess(hostOptions)];
    const apiUrl = hosts[0]?.url ?? '';
    if (!options.groups) for (const { pid } of hosts) mark.addChild(pid);
    mark.setDashboard(`${apiUrl}/api/dashboard`);
    return {
      ...emulators,
      settings,
      apiUrl,
      failed: Promise.race([emulators.failed, ...hosts.map((host) => unexpectedEnd(host, logDir))]),
      stopSources: async () => void (await Promise.all(hosts.map(({ url }) => stopSources(url)))),
      runFunction: async (name) => void (await Promise.all(hosts.map(({ url }) => runFunction(url, name)))),
      async stop() {
        const problems = await Promise.all(hosts.map((host) => stopChild(host, logDir)));
        return [...problems.flatMap((problem) => problem ?? []), ...(await emulators.stop())];
      },
    };
  } catch (error) {
    await emulators.stop();
    throw error;
  }
}

const unexpectedEnd = async ({ name, exited }: Pick<Child, 'name' | 'exited'>, logDir: string) =>
  `${name} ended with ${await exited}, so all the others are ended too; see ${join(logDir, `${name}.log`)}.`;

async function stopChild(child: Child, logDir: string): Promise<string | undefined> {
  const endedBefore = await Promise.race([child.exited, Promise.resolve(undefined)]);
  // The end of this process was reported when it happened.
  if (endedBefore !== undefined) return undefined;
  const code = await child.stop();
  return code === 0
    ? undefined
    : `${child.name} did not end cleanly (${code}); see ${join(logDir, `${child.name}.log`)}.`;
}
