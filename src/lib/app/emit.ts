import { settings } from '../settings';
import { type OutgoingEvent, openProducer, sendEvents } from '../sources/sendEvents';
import type { Stream } from '../streams/stream';

/** Sends events to a stream's hub. Returns how many it accepted. */
export async function emit(stream: Stream, events: readonly OutgoingEvent[]): Promise<number> {
  const { namespace, hub } = (await settings()).hub(stream, 'send');
  return sendEvents(openProducer(namespace, hub), events);
}
