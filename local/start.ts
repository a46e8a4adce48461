import { rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { durationFlag, numberFlag, portFlag, switchFlag } from '../src/cli/commandLine/arguments';
import { action, type Command, type Given } from '../src/cli/commandLine/command';
import { interrupted, onInterrupt } from '../src/cli/commandLine/interrupts';
import { runCommand } from '../src/cli/commandLine/runCommand';
import { reasonOf } from '../src/cli/givenFile';
import { partOf } from '../src/lib/connectionParts';
import { orAborted } from '../src/lib/deadline';
import { onLongWait } from '../src/lib/longWait';
import { pauseFor } from '../src/lib/pauseFor';
import { nounOf } from './comparison';
import { ensureSoundStreams } from './hubs';
import { maintenanceStatus } from './maintenanceStatus';
import { loadPortFlags, type PortFlags, readPorts } from './ports';
import { followStreams, type StreamProgress } from './progress';
import { ensureNotRunning } from './runMark';
import { defaultPorts, type Stack, startStack } from './stack';
import { openDisplay, type StatusDisplay } from './statusDisplay';
import { sentence } from './waits';

/*
 * `npm start`: runs the whole system on this machine, with emulators, and keeps its data in .local/.
 */

const flags = {
  for: durationFlag('20s', 'end after this long; otherwise Ctrl-C ends it'),
  rate: numberFlag({ meaning: 'clicks per second', fallback: 100, most: 100_000 }),
  reset: switchFlag('first wipe .local/: broker log, checkpoints and lake'),
  port: portFlag('the API', defaultPorts.api),
  groups: switchFlag(
    'run HTTP, Durable Functions and every other function in processes of their own, as Flex Consumption does',
  ),
};

/** How long to wait at the end for the last events to arrive. */
const catchUpLimitMs = 60_000;
const call = 'npm start';

runCommand(describe());

async function describe(): Promise<Command> {
  return {
    call,
    does: action({
      meaning: 'The whole system in one place, with its own emulators, and its data under .local/.',
      flags: { ...flags, ...(await loadPortFlags()) },
      run: start,
    }),
  };
}

async function start(given: Given<typeof flags & PortFlags>): Promise<number> {
  const { for: forMs, rate: clicksPerSecond, port: apiPort, groups } = given;
  const dataDir = resolve('.local');
  await ensureNotRunning(dataDir);
  await ensureSoundStreams();
  const ports = await readPorts(given, { port: apiPort });
  if (given.reset) wipe(dataDir);
  const end = listenForEnd();

  const stack = await startStack({ command: call, dataDir, ports, apiPort, clicksPerSecond, groups });
  let code = 1;
  try {
    code = await watch(stack, forMs, end);
  } finally {
    for (const problem of await stack.stop()) {
      console.error(problem);
      code = 1;
    }
  }
  return code;
}

function wipe(dataDir: string): void {
  try {
    rmSync(dataDir, { recursive: true, force: true });
  } catch (error) {
    throw new Error(`--reset cannot delete ${dataDir}: ${reasonOf(error)}.`, { cause: error });
  }
}

interface End {
  /** Aborted by the first signal, after which no more events are sent. */
  readonly asked: AbortController;
  /** Aborted by the second signal, after which the last events are not waited for. */
  readonly hurried: AbortController;
}

/** Listens for signals. The first one ends the sending, the second one the wait for the last events, and the third one this process. */
function listenForEnd(): End {
  const end = { asked: new AbortController(), hurried: new AbortController() };
  const hurry = () => {
    end.asked.abort();
    end.hurried.abort();
  };
  onInterrupt(
    (count) => {
      // The child processes notice that this process is gone, and end by themselves.
      if (end.hurried.signal.aborted) process.exit(interrupted);
      if (count === 1) end.asked.abort();
      else hurry();
    },
    ['SIGINT', 'SIGTERM'],
  );
  // The terminal was closed, or the process that started this one was killed. So nobody waits for the comparison.
  process.on('SIGHUP', hurry);
  process.on('disconnect', hurry);
  // Otherwise the channel's listener would keep this process from ending.
  process.channel?.unref();
  return end;
}

/** Shows the state every second until the time is over, a signal comes, or a process fails; then compares. */
async function watch(stack: Stack, forMs: number | undefined, { asked, hurried }: End): Promise<number> {
  let failure: string | undefined;
  void stack.failed.then((line) => {
    failure = line;
    asked.abort();
    hurried.abort();
  });
  const followed = await followStreams(stack);
  await loadWarehouse(stack);
  const display = openDisplay(process.stdout);
  // From here on the status says which part does not answer. A line in between would disturb its drawing.
  onLongWait(undefined);
  printAddresses(stack, followed);
  console.log(forMs === undefined ? 'Ctrl-C ends it.\n' : `It ends after ${forMs / 1000} s.\n`);
  const endAt = forMs === undefined ? Number.POSITIVE_INFINITY : Date.now() + forMs;
  while (!asked.signal.aborted && Date.now() < endAt) {
    await showStatus(display, stack, followed);
    const pause = Math.min(1000, Math.max(0, endAt - Date.now()));
    await pauseFor(pause, asked.signal);
  }
  asked.abort();
  try {
    if (failure === undefined) {
      display.print('\nEnding: nothing more is emitted, and the last events arrive… (Ctrl-C ends at once)');
      return await orAborted(compare(stack, followed, display, hurried.signal), hurried.signal);
    }
  } catch (error) {
    if (!hurried.signal.aborted) throw error;
  }
  console.error(failure ?? 'Ended without waiting for the last events.');
  return failure === undefined ? interrupted : 1;
}

async function showStatus(
  display: StatusDisplay,
  { apiUrl }: Stack,
  followed: readonly StreamProgress[],
): Promise<void> {
  const maintenance = maintenanceStatus(apiUrl).catch(() => undefined);
  const parts = (await Promise.all(followed.map((progress) => progress.status()))).reverse();
  const figures = parts.map((part) => part.figures);
  display.show({
    figures: [...figures, (await maintenance) ?? []].flat(),
    notes: parts.flatMap(({ note }) => (note === undefined ? [] : [note])),
  });
}

function printAddresses({ apiUrl, settings, logDir }: Stack, followed: readonly StreamProgress[]): void {
  const blobEndpoint = partOf(settings.LakeStorage ?? '', 'BlobEndpoint');
  const broker = partOf(settings.EventHubConnection ?? '', 'Endpoint');
  console.log(`Dashboard           ${apiUrl}/api/dashboard`);
  console.log(`Clicks per product  ${apiUrl}/api/clicks`);
  for (const { stream } of followed.toReversed()) {
    const address = `${blobEndpoint}/${settings.LAKE_CONTAINER}/${stream.table}`;
    console.log(`Delta table         ${address}  (${nounOf(stream)})`);
  }
  console.log(`Broker              ${broker}`);
  console.log(`Logs                ${logDir}`);
}

/** Loads the warehouse. Loads follow commits, so without this, rows that an earlier run left behind would wait for the function's timer. */
const loadWarehouse = (stack: Stack) => stack.runFunction('syncWarehouse');

/**
 * Stops the sources, waits until everything has arrived, and compares the figures of independent places. If they differ, says why.
 * Returns the exit code.
 */
async function compare(
  stack: Stack,
  followed: readonly StreamProgress[],
  display: StatusDisplay,
  hurried: AbortSignal,
): Promise<number> {
  await stack.stopSources().catch((cause) => {
    const why = sentence(cause);
    throw new Error(
      `The emitting functions were not stopped, so that nothing was compared: ${why}. Its log is in .local/logs. The next "npm start" goes on with the events that are under way.`,
      { cause },
    );
  });
  await loadWarehouse(stack);
  const giveUpAt = Date.now() + catchUpLimitMs;
  for (let showAt = Date.now() + 1000; ; ) {
    const compared = await Promise.all(
      followed.map(async (progress) => ({ progress, ...(await progress.compare()) })),
    );
    const unequal = compared.filter(({ equal }) => !equal).map(({ progress }) => progress);
    hurried.throwIfAborted();
    // Numbers that wait for a person to do something will not arrive.
    if (unequal.every(({ isStuck }) => isStuck) || Date.now() > giveUpAt) {
      const explanations = await Promise.all(unequal.map((progress) => progress.explain()));
      for (const text of [...explanations, ...compared.map(({ line }) => line)]) display.print(text);
      return unequal.length === 0 ? 0 : 1;
    }
    if (Date.now() >= showAt) {
      showAt = Date.now() + 1000;
      await showStatus(display, stack, followed);
    }
    await sleep(200, undefined, { signal: hurried });
  }
}
