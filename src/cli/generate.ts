import type { EventHubsNamespace } from '../lib/connections/hubs';
import { TributaryError } from '../lib/errors';
import { isHubName, nameSigns } from '../lib/hubNames';
import { inertInLine } from '../lib/inert';
import { pauseFor } from '../lib/pauseFor';
import { count, quantity } from '../lib/quantity';
import { isThisMachine } from '../lib/sameMachine';
import { type ClickSimulator, createClickSimulator } from '../lib/sources/clickSimulator';
import { type EventProducer, openProducer, SendError, sendEvents } from '../lib/sources/sendEvents';
import { durationFlag, numberFlag } from './commandLine/arguments';
import { action, type Given, UsageError } from './commandLine/command';
import { onInterrupt } from './commandLine/interrupts';
import { nothingRuns, runCommand } from './commandLine/runCommand';

/*
 * `npm run generate`: sends made-up clicks to a hub until it is stopped, without the function app. It takes the settings of the
 * published generator's container, from the environment, so that it can take its place: see samples/generator/Dockerfile.
 */

const whole = (meaning: string, fallback: number, least: number) =>
  numberFlag({ meaning, fallback, least, most: 1_000_000_000, whole: true });

const flags = {
  rate: numberFlag({ meaning: 'clicks per second', fallback: 10, least: 0.001, most: 100_000 }),
  duration: durationFlag('5m', 'how long to send; by default until it is stopped'),
  seed: numberFlag({
    meaning:
      'the same seed gives the same products and sessions of the same lengths; by default from the clock',
    fallback: undefined,
    most: 2 ** 31,
    whole: true,
  }),
  sessions: numberFlag({
    meaning:
      'send so many sessions one after the other, with times in the past as the published generator does, and end; by default there are always several at once',
    fallback: undefined,
    least: 1,
    most: 1_000_000_000,
    whole: true,
  }),
  'max-clicks': whole('a session has fewer clicks than this', 100, 3),
  'min-product': whole('the lowest product id', 1, 0),
  'max-product': whole('the highest product id', 670, 0),
  categories: whole('the number of categories', 10, 1),
};

runCommand({
  call: 'npm run generate',
  does: action({
    meaning:
      'Sends made-up clicks to the hub that the environment names: hostName, sasKeyName, sasKeyValue, eventHubName.',
    flags,
    run: generate,
  }),
});

async function generate(given: Given<typeof flags>): Promise<number> {
  const { rate, duration, sessions } = given;
  if (sessions !== undefined && duration !== undefined)
    throw new UsageError('--sessions ends after so many sessions: leave out --duration.');
  // The simulator and the time to send begin at the same moment. Otherwise it would also make clicks for the time that opening the producer
  // takes.
  const started = Date.now();
  const simulator = openSimulator(given, started);
  const { namespace, hub } = readTarget(process.env);
  const stop = new AbortController();
  // Containers are stopped with SIGTERM.
  onInterrupt(() => stop.abort(), ['SIGINT', 'SIGTERM']);
  const producer = openProducer(namespace, hub);
  const sender = new ClickSender(producer);
  const endsAt = duration === undefined ? Number.POSITIVE_INFINITY : started + duration;
  try {
    for (let now = started; now < endsAt && !stop.signal.aborted; ) {
      const pauseMs = Math.max(0, Math.min(1000, endsAt - Date.now()));
      await pauseFor(pauseMs, stop.signal);
      now = Math.min(Date.now(), endsAt);
      await sender.send(simulator.tick(now, rate));
      if (simulator.hasEnded) break;
    }
  } finally {
    if (process.stdout.isTTY) process.stdout.write('\r\u001b[K');
    await producer.close();
  }
  console.log(`Ended: the hub ${hub} acknowledged ${quantity(sender.accepted, 'click')}.`);
  return sender.isInVain ? 1 : 0;
}

function openSimulator(given: Given<typeof flags>, now: number): ClickSimulator {
  const { seed, sessions, 'min-product': lowest, 'max-product': highest } = given;
  if (highest < lowest)
    throw new UsageError(`--max-product ${highest}: expected at least --min-product, ${lowest}.`);
  return createClickSimulator({
    now,
    ...(seed !== undefined && { seed }),
    ...(sessions !== undefined && { eventTimes: 'published', nosessions: sessions + 1 }),
    maxclicks: given['max-clicks'],
    minProductId: lowest,
    maxProductId: highest + 1,
    nocats: given.categories,
  });
}

const names = ['hostName', 'sasKeyName', 'sasKeyValue', 'eventHubName'] as const;

const meanings: Readonly<Record<(typeof names)[number], string>> = {
  hostName: 'the host name of an Event Hubs namespace',
  sasKeyName: 'the name of a policy that may send',
  sasKeyValue: 'the key of a policy that may send',
  eventHubName: 'the name of a hub',
};

/**
 * Reads from the environment which hub to send to. `hostName` is the namespace's, with or without its domain.
 * @throws Error saying what is wrong. It is no UsageError, because a setting is wrong. Its text repeats no value, which may be a secret
 */
function readTarget(environment: NodeJS.ProcessEnv): { namespace: EventHubsNamespace; hub: string } {
  const [host, keyName, key, hub] = names.map((name) => environment[name]?.trim() ?? '');
  const missing = names.filter((name) => !environment[name]?.trim());
  if (missing.length > 0)
    throw new Error(
      `${missing.join(', ')} ${missing.length > 1 ? 'are' : 'is'} missing in the environment: expected ${missing.map((name) => meanings[name]).join(', ')}.`,
    );
  if (!host || !/^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d+)?$/i.test(host))
    throw new Error(
      'hostName: expected a name like contoso or contoso.servicebus.windows.net, without sb://, a path and keys.',
    );
  // A key ends with =, so it is no name. It is refused here, because otherwise it would be printed as the hub's name.
  if (![keyName, hub].every((name) => isHubName(name ?? '')))
    throw new Error(`sasKeyName, eventHubName: expected names ${nameSigns}.`);
  if (/[;\s]/.test(key ?? '')) throw new Error('sasKeyValue: expected the key alone, without blanks and ;.');
  const [name = '', port] = host.split(':');
  const isLocal = isThisMachine(name);
  const domain = isLocal || name.includes('.') ? name : `${name}.servicebus.windows.net`;
  const endpoint = `Endpoint=sb://${domain}${port === undefined ? '' : `:${port}`}`;
  const policy = `SharedAccessKeyName=${keyName};SharedAccessKey=${key}`;
  const connectionString = `${endpoint};${policy}${isLocal ? ';UseDevelopmentEmulator=true' : ''}`;
  return { namespace: { connectionString }, hub: hub ?? '' };
}

/** How often a line tells the progress if there is no terminal on which one line can be drawn again. */
const tellEveryMs = 10_000;

/** Sends clicks and tells the progress. */
class ClickSender {
  accepted = 0;
  #offered = 0;
  readonly #producer: EventProducer;
  #toldAt = performance.now();

  constructor(producer: EventProducer) {
    this.#producer = producer;
  }

  /** True if clicks were sent and the hub took none of them. */
  get isInVain(): boolean {
    return this.#offered > 0 && this.accepted === 0;
  }

  /**
   * Sends clicks. If the hub cannot be reached for a while, these clicks are given up, as a shop's page would do.
   * @throws `hub.refused`, `hub.oversize`
   */
  async send(clicks: ReturnType<ClickSimulator['tick']>): Promise<void> {
    const events = clicks.map((click) => ({ body: click, partitionKey: String(click.sessionid) }));
    this.#offered += events.length;
    try {
      this.accepted += await sendEvents(this.#producer, events);
      this.#tell();
    } catch (error) {
      if (error instanceof SendError) this.accepted += error.accepted;
      if (!(error instanceof TributaryError) || error.code !== 'hub.unavailable') throw error;
      const hint = nothingRuns(error.message)
        ? ' Nothing runs there: start "npm start" or "npm run emulators", or correct hostName.'
        : '';
      console.error(
        `${inertInLine(error.message).replace(/\.$/, '')}. It goes on with the next clicks.${hint}`,
      );
    }
  }

  #tell(): void {
    const text = `Clicks sent to EventHub: ${count(this.accepted)}`;
    if (process.stdout.isTTY) process.stdout.write(`\r${text}\u001b[K`);
    else if (performance.now() - this.#toldAt >= tellEveryMs) {
      this.#toldAt = performance.now();
      console.log(text);
    }
  }
}
