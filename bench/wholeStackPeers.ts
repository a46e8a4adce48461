import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Emulators } from '../local/stack';
import { clickstream } from '../src/lib/streams/clickstream';
import { Peer, storageOptions } from '../test/kit/peer';
import { startStorageProxy } from '../test/kit/storageProxy';
import type { OtherWork } from './busyWork';
import type { Discarded } from './discardEvents';
import { catchUpMs } from './logTail';
import type { Blocked } from './loopDelay';
import type { offer } from './offer';
import { type ProcessUsage, watchUsage } from './processUsage';

/*
 * The programs with which `wholeStack` is compared: a consumer that discards, and a consumer in Python that appends with deltalake.
 */

const pollMs = 25;

export interface Measured {
  readonly rate: number;
  readonly accepted: number;
  /** For how long the producer sent, in seconds. */
  readonly offeredFor: number;
  /** Seconds from the first sent event to the last one that arrived. */
  readonly seconds: number;
  readonly arrived: number;
  /** Milliseconds from enqueued to visible. */
  readonly delays: readonly number[];
  readonly usage: ProcessUsage;
  readonly requests?: { readonly lake: number; readonly host: number };
  readonly commits?: number;
  /** The longest time for which anything blocked the event loop. */
  readonly blocked?: Blocked;
  /** The work that the app did besides ingesting. */
  readonly work?: OtherWork & { readonly countsAnswers: number };
}

/** Sends events at a rate; without `forSeconds`, for as long as each rate is measured. */
export type OfferAt = (rate: number, forSeconds?: number) => ReturnType<typeof offer>;

/** Measures a bare consumer of the SDK in a process of its own, which discards the events. */
export async function measureDiscarding(
  emulators: Emulators,
  offerAt: OfferAt,
  rates: readonly number[],
): Promise<Measured[]> {
  const connection = emulators.settings.EventHubConnection ?? '';
  const child = fork(join(__dirname, 'discardEvents.js'), [connection]);
  const ask = async (message: string) => {
    child.send(message);
    const [answer] = (await once(child, 'message')) as [Discarded];
    return answer;
  };
  try {
    await once(child, 'message');
    const measured: Measured[] = [];
    for (const rate of rates) {
      await ask('forget');
      const started = performance.now();
      const usage = watchUsage(child.pid ?? 0);
      const { accepted, offeredFor } = await offerAt(rate);
      const arrived = await waitFor(accepted, async () => (await ask('count')).received);
      const took = (performance.now() - started) / 1000;
      const used = usage();
      const { delays } = await ask('delays');
      measured.push({ rate, accepted, offeredFor, seconds: took, arrived, delays, usage: used });
    }
    return measured;
  } finally {
    child.disconnect();
    await once(child, 'exit');
  }
}

/** Measures the same events in a Python loop: a consumer, and an append with deltalake once a second. */
export async function measureLoop(
  { settings }: Emulators,
  offerAt: OfferAt,
  rates: readonly number[],
): Promise<Measured[]> {
  const direct = settings.LakeStorage ?? '';
  const lake = await startStorageProxy(direct);
  const loop = new Peer('bench/deltalakeLoop.py');
  try {
    const connection = settings.EventHubConnection;
    await loop.call('start', {
      connection,
      hub: clickstream.name,
      uri: `az://${settings.LAKE_CONTAINER ?? 'lake'}/python_clicks`,
      storage_options: storageOptions(lake.connectionString),
    });
    const pid = await loop.call<number>('pid');
    // When it has committed an event, its links are open and the table exists.
    for (let tries = 0; tries < 60 && (await loop.call<number>('count')) === 0; tries++) await offerAt(20, 1);
    await sleep(2000);
    const measured: Measured[] = [];
    for (const rate of rates) {
      await loop.call('forget');
      const started = performance.now();
      const usage = watchUsage(pid);
      const { accepted, offeredFor } = await offerAt(rate);
      const arrived = await waitFor(accepted, () => loop.call<number>('count'));
      const took = (performance.now() - started) / 1000;
      const used = usage();
      const { delays, commits } = await loop.call<{ delays: number[]; commits: number }>('found');
      measured.push({ rate, accepted, offeredFor, seconds: took, arrived, delays, usage: used, commits });
    }
    return measured;
  } finally {
    await loop.close();
    await lake.close();
  }
}

/** Waits until all accepted events have arrived, or the time is over. Resolves to how many arrived. */
async function waitFor(accepted: number, count: () => Promise<number>): Promise<number> {
  let arrived = await count();
  for (const endAt = Date.now() + catchUpMs; arrived < accepted && Date.now() < endAt; ) {
    await sleep(pollMs);
    arrived = await count();
  }
  return arrived;
}
