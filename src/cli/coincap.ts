import { openCoincapClient } from '../lib/app/emitAssets';
import { TributaryError } from '../lib/errors';
import { inertInLine } from '../lib/inert';
import { pauseFor } from '../lib/pauseFor';
import { type PublishAssetsOptions, publishAssets } from '../lib/sources/coincap/publishAssets';
import { openProducer, sendEvents } from '../lib/sources/sendEvents';
import { findStream } from '../lib/streams/loadStreams';
import { readSourceSettings, settingsFlag } from './appSettings';
import { durationFlag, switchFlag } from './commandLine/arguments';
import { action, type Given } from './commandLine/command';
import { onInterrupt } from './commandLine/interrupts';
import { runCommand } from './commandLine/runCommand';

/*
 * `npm run coincap`: does once, or again and again, what the published script does: it asks the CoinCap API for the assets and sends
 * them to the hub, without the function app.
 */

const flags = {
  every: durationFlag('15m', 'ask again so often until Ctrl-C; each request costs credits; by default once'),
  array: switchFlag('send all assets as one event, an array, instead of an event for each'),
  ...settingsFlag,
};

runCommand({
  call: 'npm run coincap',
  does: action({
    meaning: "Asks the CoinCap API for the assets and sends them to the stream's hub.",
    flags,
    run: coincap,
  }),
});

async function coincap({ every, array, settings: file }: Given<typeof flags>): Promise<number> {
  const stream = await findStream('coincap');
  if (!stream) throw new Error('This project has no stream coincap, whose hub the assets are sent to.');
  const settings = await readSourceSettings(file);
  const { namespace, hub } = settings.hub(stream, 'send');
  const client = openCoincapClient(settings);
  const producer = openProducer(namespace, hub);
  const options: PublishAssetsOptions = {
    client,
    send: (events) => sendEvents(producer, events, { onAccepted: array ? () => {} : drawCount }),
    asArray: array,
    log(line) {
      clearCount();
      console.log(line);
    },
  };
  try {
    if (every === undefined) await publishAssets(options);
    else await publishEvery(every, options);
  } finally {
    clearCount();
    await producer.close();
  }
  return 0;
}

/** Publishes until Ctrl-C. An outage of the API or of the hub is told, and the next turn tries again; a refusal ends it. */
async function publishEvery(everyMs: number, options: PublishAssetsOptions): Promise<void> {
  const stop = new AbortController();
  onInterrupt(() => stop.abort(), ['SIGINT', 'SIGTERM']);
  while (!stop.signal.aborted) {
    const began = Date.now();
    await publishAssets(options).catch((error: unknown) => {
      if (!isOutage(error)) throw error;
      clearCount();
      console.error(`${inertInLine(error.message).replace(/\.$/, '')}. The next turn tries again.`);
    });
    // A turn that took longer than the pause is followed by the next one at once.
    const pauseMs = Math.max(0, began + everyMs - Date.now());
    await pauseFor(pauseMs, stop.signal);
  }
}

const isOutage = (error: unknown): error is TributaryError =>
  error instanceof TributaryError && /^(?:source|hub)\.unavailable$/.test(error.code);

/** The count as the published script shows it while it sends: one line, drawn again for each batch. Only on a terminal. */
function drawCount(accepted: number): void {
  if (process.stdout.isTTY) process.stdout.write(`\rCoins sent to EventHub: ${accepted}`);
}

/** Removes the line that `drawCount` has drawn. */
function clearCount(): void {
  if (process.stdout.isTTY) process.stdout.write('\r\u001b[K');
}
