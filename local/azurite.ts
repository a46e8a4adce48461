import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { within } from '../src/lib/deadline';
import { PortInUseError } from '../src/lib/sameMachine';
import { endOf } from './childProcess';
import { openLog } from './logFile';
import { compiled } from './project';

const account = 'devstoreaccount1';
/** The storage emulator's published account key. Every copy of Azurite has the same one, so it keeps nobody out. */
const accountKey = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';
const startLimitMs = 60_000;
const closeLimitMs = 5_000;

// If this process is killed, Azurite must end too, because a second Azurite on the same folder would destroy the data. This code
// runs in Azurite's process and ends it when the channel to this process closes.
const endWithParent = `data:text/javascript,${encodeURIComponent(
  `process.on('disconnect',()=>{process.emit('SIGTERM');setTimeout(()=>process.exit(),${closeLimitMs}).unref()})`,
)}`;

export interface AzuriteOptions {
  /** Folder for the data, created if missing. Without it, all data stays in memory. */
  dataDir?: string;
  /** TCP port on 127.0.0.1; 0 or undefined takes a free one. */
  blobPort?: number;
  /** If a queue or a table port is given, both of these services are started. */
  queuePort?: number;
  tablePort?: number;
  /** The file to which all output is appended. */
  logFile?: string;
}

export interface Azurite {
  /** For the account `devstoreaccount1`, with the endpoint of each running service. */
  connectionString: string;
  blobPort: number;
  queuePort?: number;
  tablePort?: number;
  pid: number;
  /** Resolves when the process has ended, to its exit code or to the name of the signal that ended it. */
  exited: Promise<number | NodeJS.Signals>;
  /** Asks the process to save its data and end. */
  close(): Promise<void>;
}

/**
 * Starts Azurite, the storage emulator, as a child process that never outlives this one.
 * Rejects with one line that says which port is busy, or with what Azurite printed.
 */
export async function startAzurite(options: AzuriteOptions = {}): Promise<Azurite> {
  const services =
    options.queuePort === undefined && options.tablePort === undefined
      ? (['blob'] as const)
      : (['blob', 'queue', 'table'] as const);
  const main = services.length === 1 ? 'azurite/dist/src/blob/main.js' : 'azurite/dist/src/azurite.js';
  const wanted = { blob: options.blobPort, queue: options.queuePort, table: options.tablePort };
  const args = services.flatMap((service) => [`--${service}Port`, String(wanted[service] ?? 0)]);
  args.push('--silent', '--skipApiVersionCheck', '--disableTelemetry');
  if (options.dataDir === undefined) args.push('--inMemoryPersistence');
  else {
    mkdirSync(options.dataDir, { recursive: true });
    args.push('--location', options.dataDir);
  }
  const preloads = ['--import', endWithParent, '--require', compiled('azuriteDoor.js')];
  const child = spawn(process.execPath, [...preloads, require.resolve(main), ...args], {
    cwd: options.dataDir ?? tmpdir(),
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // Ctrl-C in the terminal must not reach Azurite: the parent needs the storage until it ends itself.
    detached: true,
  });
  const exited = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? code ?? 1));
    child.once('error', () => resolve(1));
  });
  if (options.logFile !== undefined) {
    const log = openLog(options.logFile);
    // If the log cannot be written, a pipe would stop, and Azurite with it.
    for (const output of [child.stdout, child.stderr]) output?.on('data', (chunk) => log.write(chunk));
    child.once('close', () => log.end());
  }
  try {
    const ports = await readPorts(child, services.length, wanted);
    return {
      connectionString: connectionStringOf(ports),
      blobPort: ports.blob ?? 0,
      ...(ports.queue === undefined ? {} : { queuePort: ports.queue }),
      ...(ports.table === undefined ? {} : { tablePort: ports.table }),
      pid: child.pid ?? 0,
      exited,
      close: () => closeChild(child, exited),
    };
  } catch (error) {
    await closeChild(child, exited);
    throw error;
  }
}

function connectionStringOf(ports: Partial<Record<string, number>>): string {
  const endpoints = Object.entries(ports).map(([service, port]) => {
    const name = service.charAt(0).toUpperCase() + service.slice(1);
    return `${name}Endpoint=http://127.0.0.1:${port}/${account};`;
  });
  return `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${accountKey};${endpoints.join('')}`;
}

/** Waits until every service has printed its address. Azurite has no other sign of being ready. */
async function readPorts(
  child: ChildProcess,
  count: number,
  wanted: Readonly<Record<string, number | undefined>>,
): Promise<Partial<Record<string, number>>> {
  let output = '';
  const started = new Promise<Partial<Record<string, number>>>((resolve, reject) => {
    const ports: Record<string, number> = {};
    const read = (chunk: Buffer) => {
      output = `${output}${chunk}`.slice(-10_000);
      for (const [, service, port] of output.matchAll(
        /(Blob|Queue|Table) service (?:is )?successfully listen\S* (?:on|at) http:\/\/[^\s:]+:(\d+)/g,
      )) {
        ports[String(service).toLowerCase()] = Number(port);
      }
      if (Object.keys(ports).length === count) resolve(ports);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('error', reject);
    // Use 'close' and not 'exit', because 'exit' may come before the last output.
    child.once('close', (code) => {
      const busy = /EADDRINUSE[^\n]*:(\d+)/.exec(output)?.[1];
      const service = Object.keys(wanted).find((name) => String(wanted[name]) === busy) ?? 'blob';
      reject(
        busy === undefined
          ? new Error(`Azurite ended with code ${code}: ${output.trim()}`)
          : new PortInUseError(Number(busy), `${service}-port`),
      );
    });
  });
  return within(
    startLimitMs,
    () => started,
    () => {
      throw new Error(`Azurite did not start within ${startLimitMs / 1000} s: ${output}`);
    },
  );
}

async function closeChild(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  if (child.connected) child.disconnect();
  await endOf(child, exited, closeLimitMs);
}
