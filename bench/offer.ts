import { setTimeout as sleep } from 'node:timers/promises';
import { createClickSimulator } from '../src/lib/sources/clickSimulator';
import { type EventProducer, sendEvents } from '../src/lib/sources/sendEvents';

export interface OfferOptions {
  readonly seconds: number;
  /** The partition key of all events; by default each session has its own. */
  readonly key?: string | undefined;
  /** Ends the sending early once it returns true. */
  readonly isEnough?: () => boolean;
}

/** Sends clicks at a rate for a time. Resolves to the number that the hub accepted, and the seconds it took. */
export async function offer(
  producer: EventProducer,
  rate: number,
  { seconds, key, isEnough = () => false }: OfferOptions,
): Promise<{ accepted: number; offeredFor: number }> {
  const begin = Date.now();
  const simulator = createClickSimulator({ now: begin });
  let accepted = 0;
  for (let now = begin; now < begin + seconds * 1000 && !isEnough(); now = Date.now()) {
    const clicks = simulator.tick(now, rate);
    accepted += await sendEvents(
      producer,
      clicks.map((click) => ({ body: click, partitionKey: key ?? String(click.sessionid) })),
    );
    await sleep(Math.max(0, now + 50 - Date.now()));
  }
  return { accepted, offeredFor: (Date.now() - begin) / 1000 };
}
