import rhea from 'rhea';
import { within } from '../../src/lib/deadline';
import { sendRaw } from '../kit/rawAmqp';
import type { MadeEvent } from './bodies';

const sendLimitMs = 15_000;

/** What a sender may write beside an event. Nobody may believe it: only the service says where an event stands, and since when. */
const forged = {
  sequenceNumber: 1_000_000,
  SequenceNumber: 1_000_000,
  'x-opt-sequence-number': 1_000_000,
  offset: '1000000',
  'x-opt-offset': '1000000',
  enqueuedTimeUtc: '2001-01-01T00:00:00Z',
  'x-opt-enqueued-time': new Date(0),
};

/** Sends events whose annotations claim another place in the partition. Rejects if the broker does not take all of them. */
export async function sendForged(
  connectionString: string,
  { hub, partitionId }: { readonly hub: string; readonly partitionId: string },
  events: readonly MadeEvent[],
): Promise<void> {
  const port = Number(/127\.0\.0\.1:(\d+)/.exec(connectionString)?.[1]);
  const messages = events.map(({ id, body }) => ({
    application_properties: { id },
    message_annotations: forged,
    body: rhea.message.data_section(Buffer.from(body)),
  }));
  await within(sendLimitMs, () => sendRaw({ port }, { hub, partitionId }, messages));
}
