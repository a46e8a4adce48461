import type { AmqpError, Delivery, EventContext, Receiver } from 'rhea';
import { MalformedMessage } from './amqpBytes';
import { parseTransfer } from './eventBytes';
import type { Hub } from './hub';

/** The largest transfer that a hub takes: 1 MiB, as in the standard tier. */
export const maxMessageBytes = 1024 * 1024;

/**
 * Serves a link on which a client sends. A transfer is accepted only after its events were appended.
 *
 * @param partition The partition of the events. If undefined, each batch goes to the partition of its key or to the next in turn.
 */
export function serveProducer(receiver: Receiver, hub: Hub, partition: number | undefined): void {
  receiver.on('message', ({ message, delivery }: EventContext) => {
    // After the broker has closed the link, the client may go on sending until it learns that.
    if (!receiver.is_open() || !delivery) return;
    const error = store(message as unknown as Buffer, delivery, hub, partition);
    if (error) delivery.reject(error);
    else delivery.accept();
  });
}

function store(
  bytes: Buffer,
  delivery: Delivery,
  hub: Hub,
  partition: number | undefined,
): AmqpError | undefined {
  if (bytes.length > maxMessageBytes) {
    return {
      condition: 'amqp:link:message-size-exceeded',
      description: `The received message (delivery-id:${delivery.id}, size:${bytes.length} bytes) exceeds the limit (${maxMessageBytes} bytes) currently allowed on the link.`,
    };
  }
  try {
    hub.append(parseTransfer(bytes, delivery.format), partition);
    return undefined;
  } catch (error) {
    if (error instanceof MalformedMessage) {
      return { condition: 'amqp:decode-error', description: error.message };
    }
    const reason = error instanceof Error ? error.message : String(error);
    console.error(`${hub.name}: could not store events: ${reason}`);
    return { condition: 'amqp:internal-error', description: `The events could not be stored: ${reason}` };
  }
}
