import type { Socket } from 'node:net';
import type { Connection, Sender, Session } from 'rhea';
import { batchFormat } from './eventBytes';

/** The parts of rhea that a broker needs but that are missing in rhea's typings. */
interface SessionInternals {
  outgoing: { available(): number; next_delivery_id: number; next_pending_delivery: number };
  on_transfer(frame: { performative: { message_format?: number | null } }): void;
}

/** The message format of single messages after deliverRawBytes. */
export const singleFormat = 1;

/**
 * Makes a session deliver messages as the bytes that were sent. rhea decodes messages of format 0, and encoding them again would
 * change their types. Messages of any other format are not decoded.
 */
export function deliverRawBytes(session: Session): void {
  const internals = session as unknown as SessionInternals;
  const onTransfer = internals.on_transfer.bind(session);
  internals.on_transfer = (frame) => {
    if (frame.performative.message_format !== batchFormat) frame.performative.message_format = singleFormat;
    onTransfer(frame);
  };
}

/**
 * How many messages may be sent on a link now. rhea subtracts credit only when it flushes, so messages that wait for the flush are
 * subtracted here. A message that is sent without credit would block every link of its session.
 */
export function sendableCount(sender: Sender): number {
  const { credit } = sender as unknown as { credit: number };
  const { outgoing } = sender.session as unknown as SessionInternals;
  return Math.min(
    credit - (outgoing.next_delivery_id - outgoing.next_pending_delivery),
    outgoing.available(),
  );
}

/** The socket under a connection. */
export function socketOf(connection: Connection): Socket {
  return connection.socket as Socket;
}
