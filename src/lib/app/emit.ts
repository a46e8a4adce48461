import { settings } from '../settings';
import { type OutgoingEvent, openProducer, sendEvents } from '../sources/sendEvents';
import type { Stream } from '../streams/stream';

/** Sends events to a stream's hub. Returns how many it accepted. */
export async function emit(stream: Stream, events: readonly OutgoingEvent[]): Promise<number> {
  const { eventHubs, hub } = await settings();
  return sendEvents(openProducer(eventHubs, hub(stream.hubSetting)), events);
}
