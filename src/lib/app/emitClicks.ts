import { once } from '../once';
import { settings } from '../settings';
import { createClickSimulator } from '../sources/clickSimulator';
import { clicksPerSecond, clickstream } from '../streams/clickstream';
import { emit } from './emit';

const clickSimulator = once(() => createClickSimulator());

/** Sends the clicks since the last call. Returns how many the hub accepted. */
export async function emitClicks(): Promise<number> {
  const rate = Number((await settings()).text(clicksPerSecond));
  return emit(
    clickstream,
    clickSimulator()
      .tick(Date.now(), rate)
      .map((click) => ({ body: click, partitionKey: String(click.sessionid) })),
  );
}
