import { rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  describeFlags,
  type Flags,
  readDuration,
  readFlags,
  readNumber,
  runCommand,
} from '../src/cli/commandLine';
import { openAzureBlobStore } from '../src/lib/storage/azureBlobStore';
import { findStream, streams } from '../src/lib/streams';
import { clickstream } from '../src/lib/streams/clickstream';
import { clicksOfTheApi, FiguresReader, type StreamFigures, warehouseRows } from './figures';
import { portFlags, portValue, readPorts } from './ports';
import { defaultPorts, type Stack, startStack, waitForPrevious } from './stack';

/*
 * `npm start`: the whole system in one place, with its own emulators, and its data under .local/.
 */

const flags = {
  for: { value: '20s', meaning: 'end after this long; otherwise Ctrl-C ends it' },
  rate: { value: 'N', meaning: 'clicks per second, 100 unless told' },
  reset: { meaning: 'first wipe .local/: broker log, checkpoints and lake' },
  port: { value: 'N', meaning: `port of the API, ${defaultPorts.api} unless told` },
  ...portFlags,
} satisfies Flags;

/** How long the end waits for the last events to arrive. */
const catchUpLimitMs = 60_000;

/** What an event of a stream is called in the status line. */
const nouns: Readonly<Record<string, string>> = { clickstream: 'clicks', coincap: 'assets' };

const count = (value: number) => value.toLocaleString('en-US');

runCommand(`npm start -- [options]\n${describeFlags(flags)}`, async (args) => {
  const values = readFlags(flags, args);
  const forMs = values.for === undefined ? undefined : readDuration('for', values.for);
  const dataDir = resolve('.local');
  const clicksPerSecond = readNumber('rate', values.rate, 100, 100_000);
  const apiPort = portValue('port', values.port, defaultPorts.api);
  await waitForPrevious(dataDir);
  const ports = await readPorts(values, { port: apiPort });
  if (values.reset) rmSync(dataDir, { recursive: true, force: true });
  const ended = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => ended.abort());

  const stack = await startStack({ dataDir, ports, apiPort, clicksPerSecond });
  let code = 1;
  try {
    code = await watch(stack, forMs, ended);
  } finally {
    for (const problem of await stack.stop()) {
      console.error(problem);
      code = 1;
    }
  }
  return code;
});

type Readers = ReadonlyMap<string, FiguresReader>;

async function openReaders(stack: Stack): Promise<Readers> {
  const { LakeStorage = '', LAKE_CONTAINER = '' } = stack.settings;
  const store = await openAzureBlobStore({ connectionString: LakeStorage }, LAKE_CONTAINER);
  return new Map(
    streams.map(({ name, table, hubSetting }) => {
      const hub = stack.settings[hubSetting] ?? '';
      return [name, new FiguresReader({ brokerUrl: stack.brokerUrl, hub, at: { store, table } })];
    }),
  );
}

/** Prints a line a second until the time is over, the command is ended, or a process fails; then compares. */
async function watch(stack: Stack, forMs: number | undefined, ended: AbortController): Promise<number> {
  let failure: string | undefined;
  void stack.failed.then((line) => {
    failure = line;
    ended.abort();
  });
  const readers = await openReaders(stack);
  printAddresses(stack);
  console.log(forMs === undefined ? 'Ctrl-C ends it.\n' : `It ends after ${forMs / 1000} s.\n`);
  const endAt = forMs === undefined ? Number.POSITIVE_INFINITY : Date.now() + forMs;
  while (!ended.signal.aborted && Date.now() < endAt) {
    const parts = [...readers].map(async ([name, reader]) =>
      describeFigures(name, await reader.read(), await inWarehouse(stack, name)),
    );
    console.log((await Promise.all(parts)).join(' · '));
    const pause = Math.min(1000, Math.max(0, endAt - Date.now()));
    await sleep(pause, undefined, { signal: ended.signal }).catch(() => {});
  }
  if (failure) {
    console.error(failure);
    return 1;
  }
  console.log('\nEnding: nothing more is emitted, and the last events arrive…');
  return compare(stack, readers);
}

function printAddresses({ apiUrl, settings, logDir }: Stack): void {
  const blobEndpoint = /BlobEndpoint=([^;]+)/.exec(settings.LakeStorage ?? '')?.[1];
  const broker = settings.EventHubConnection?.split(';')[0]?.replace('Endpoint=', '');
  console.log(`Clicks per product  ${apiUrl}/api/clicks`);
  for (const { name, table } of streams) {
    console.log(
      `Delta table         ${blobEndpoint}/${settings.LAKE_CONTAINER}/${table}  (${nouns[name] ?? name})`,
    );
  }
  console.log(`Broker              ${broker}`);
  console.log(`Logs                ${logDir}`);
}

const describeFigures = (
  name: string,
  { accepted, ingested, rows, version }: StreamFigures,
  loaded: number,
) =>
  `${nouns[name] ?? name} ${count(accepted)} emitted, ${count(ingested)} ingested, ${count(rows)} rows, ${
    version < 0 ? 'no Delta table yet' : `Delta version ${version}, ${count(loaded)} in the warehouse`
  }`;

/** How many rows of a stream the warehouse has; one that fails shows as what it is, and at the end as a difference. */
async function inWarehouse({ settings }: Stack, name: string): Promise<number> {
  const table = findStream(name)?.warehouse;
  return table ? warehouseRows(settings.WAREHOUSE, table).catch(() => 0) : 0;
}

/** Stops the sources, lets everything arrive, and compares what independent places say. The exit code. */
async function compare(stack: Stack, readers: Readers): Promise<number> {
  await Promise.all(['emitClickstream', 'emitCoincap'].map((name) => disableFunction(stack.apiUrl, name)));
  const giveUpAt = Date.now() + catchUpLimitMs;
  for (;;) {
    const lines: string[] = [];
    let equal = true;
    for (const [name, reader] of readers) {
      const { accepted, rows } = await reader.read();
      const parts: [string, number][] = [
        ['accepted', accepted],
        ['rows', rows],
      ];
      if (name === clickstream.name) parts.push(['clicks', await clicksOfTheApi(stack.apiUrl)]);
      if (findStream(name)?.warehouse) parts.push(['warehouse', await inWarehouse(stack, name)]);
      equal &&= parts.every(([, value]) => value === accepted);
      const prefix = name === clickstream.name ? '' : `${nouns[name] ?? name}: `;
      lines.unshift(
        prefix +
          parts
            .map(
              ([what, value], i) =>
                `${i === 0 ? '' : value === accepted ? ' = ' : ' ≠ '}${what} ${count(value)}`,
            )
            .join(''),
      );
    }
    if (equal || Date.now() > giveUpAt) {
      console.log(lines.join('\n'));
      return equal ? 0 : 1;
    }
    await sleep(200);
  }
}

/** Resolves when the function runs no more. */
async function disableFunction(apiUrl: string, name: string): Promise<void> {
  const reply = await fetch(`${apiUrl}/admin/functions/${name}/state`, {
    method: 'PUT',
    body: '{"state":"disabled"}',
    signal: AbortSignal.timeout(30_000),
  });
  if (!reply.ok) throw new Error(`The host did not disable ${name}: it answered ${reply.status}.`);
}
