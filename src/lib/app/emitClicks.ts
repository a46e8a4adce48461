import { once } from '../once';
import { settings } from '../settings';
import { createClickSimulator } from '../sources/clickSimulator';
import { clicksPerSecond } from '../sources/clicks/settings';
import type { Stream } from '../streams/stream';
import { emit } from './emit';

const clickSimulator = once(() => createClickSimulator());

/** Sends the clicks since the last call to the stream's hub. Returns how many the hub accepted. */
export async function emitClicks(stream: Stream): Promise<number> {
  const rate = Number((await settings()).text(clicksPerSecond));
  return emit(
    stream,
    clickSimulator()
      .tick(Date.now(), rate)
      .map((click) => ({ body: click, partitionKey: String(click.sessionid) })),
  );
}
