import { rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { durationFlag, numberFlag, switchFlag } from '../src/cli/commandLine/arguments';
import { action, type Command, type Given } from '../src/cli/commandLine/command';
import { runCommand } from '../src/cli/commandLine/runCommand';
import { orAborted } from '../src/lib/deadline';
import { loadPortFlags, type PortFlags, portFlag, readPorts } from './ports';
import { followStreams, nounOf, type StreamProgress } from './progress';
import { ensureNotRunning } from './runMark';
import { stopSources } from './sources';
import { defaultPorts, type Stack, startStack } from './stack';

/*
 * `npm start`: runs the whole system on this machine, with emulators, and keeps its data in .local/.
 */

const flags = {
  for: durationFlag('20s', 'end after this long; otherwise Ctrl-C ends it'),
  rate: numberFlag({ meaning: 'clicks per second', fallback: 100, most: 100_000 }),
  reset: switchFlag('first wipe .local/: broker log, checkpoints and lake'),
  port: portFlag('the API', defaultPorts.api),
};

/** How long to wait at the end for the last events to arrive. */
const catchUpLimitMs = 60_000;
/** npm passes on a Ctrl-C that the terminal has sent already. Within this time, it counts as the same one. */
const sameSignalMs = 500;
/** The exit code of a command that Ctrl-C ended. */
const interrupted = 130;
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
  const { for: forMs, rate: clicksPerSecond, port: apiPort } = given;
  const dataDir = resolve('.local');
  await ensureNotRunning(dataDir);
  const ports = await readPorts(given, { port: apiPort });
  if (given.reset) rmSync(dataDir, { recursive: true, force: true });
  const end = listenForEnd();

  const stack = await startStack({ command: call, dataDir, ports, apiPort, clicksPerSecond });
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

interface End {
  /** Aborted by the first signal: stop emitting. */
  readonly asked: AbortController;
  /** Aborted by the second signal: do not wait for the last events. */
  readonly hurried: AbortController;
}

/** The first signal ends the emitting, the second the wait for the last events, and the third this process. */
function listenForEnd(): End {
  const asked = new AbortController();
  const hurried = new AbortController();
  let lastAt = 0;
  const onSignal = () => {
    const isSame = Date.now() - lastAt < sameSignalMs;
    lastAt = Date.now();
    if (isSame) return;
    // The child processes notice that this process is gone, and end by themselves.
    if (hurried.signal.aborted) process.exit(interrupted);
    (asked.signal.aborted ? hurried : asked).abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, onSignal);
  // The terminal is closed, or the process that started this one was killed: nobody waits for the comparison.
  const hurry = () => {
    asked.abort();
    hurried.abort();
  };
  process.on('SIGHUP', hurry);
  process.on('disconnect', hurry);
  // A listener would keep this process from ending.
  process.channel?.unref();
  return { asked, hurried };
}

/** Prints a line a second until the time is over, a signal comes, or a process fails; then compares. */
async function watch(stack: Stack, forMs: number | undefined, { asked, hurried }: End): Promise<number> {
  let failure: string | undefined;
  void stack.failed.then((line) => {
    failure = line;
    asked.abort();
    hurried.abort();
  });
  const followed = await followStreams(stack);
  printAddresses(stack, followed);
  console.log(forMs === undefined ? 'Ctrl-C ends it.\n' : `It ends after ${forMs / 1000} s.\n`);
  const endAt = forMs === undefined ? Number.POSITIVE_INFINITY : Date.now() + forMs;
  while (!asked.signal.aborted && Date.now() < endAt) {
    await printStatus(followed);
    const pause = Math.min(1000, Math.max(0, endAt - Date.now()));
    await sleep(pause, undefined, { signal: asked.signal }).catch(() => {});
  }
  asked.abort();
  try {
    if (failure === undefined) {
      console.log('\nEnding: nothing more is emitted, and the last events arrive… (Ctrl-C ends at once)');
      return await orAborted(compare(stack, followed, hurried.signal), hurried.signal);
    }
  } catch (error) {
    if (!hurried.signal.aborted) throw error;
  }
  console.error(failure ?? 'Ended without waiting for the last events.');
  return failure === undefined ? interrupted : 1;
}

async function printStatus(followed: readonly StreamProgress[]): Promise<void> {
  const parts = await Promise.all(followed.map((progress) => progress.status()));
  console.log(parts.reverse().join(' · '));
}

function printAddresses({ apiUrl, settings, logDir }: Stack, followed: readonly StreamProgress[]): void {
  const blobEndpoint = /BlobEndpoint=([^;]+)/.exec(settings.LakeStorage ?? '')?.[1];
  const broker = settings.EventHubConnection?.split(';')[0]?.replace('Endpoint=', '');
  console.log(`Dashboard           ${apiUrl}/api/dashboard`);
  console.log(`Clicks per product  ${apiUrl}/api/clicks`);
  for (const { stream } of followed.toReversed()) {
    const address = `${blobEndpoint}/${settings.LAKE_CONTAINER}/${stream.table}`;
    console.log(`Delta table         ${address}  (${nounOf(stream)})`);
  }
  console.log(`Broker              ${broker}`);
  console.log(`Logs                ${logDir}`);
}

/** Stops the sources, waits until everything has arrived, and compares the figures of independent places. Returns the exit code. */
async function compare(
  stack: Stack,
  followed: readonly StreamProgress[],
  hurried: AbortSignal,
): Promise<number> {
  await stopSources(stack.apiUrl);
  const giveUpAt = Date.now() + catchUpLimitMs;
  for (let printAt = Date.now() + 1000; ; ) {
    const comparisons = await Promise.all(followed.map((progress) => progress.compare()));
    const equal = comparisons.every((comparison) => comparison.equal);
    hurried.throwIfAborted();
    if (equal || Date.now() > giveUpAt) {
      for (const { line } of comparisons) console.log(line);
      return equal ? 0 : 1;
    }
    if (Date.now() >= printAt) {
      printAt = Date.now() + 1000;
      await printStatus(followed);
    }
    await sleep(200, undefined, { signal: hurried });
  }
}
