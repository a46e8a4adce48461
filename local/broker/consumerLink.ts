import type { Sender } from 'rhea';
import { withLastEnqueued } from './eventBytes';
import type { Hub } from './hub';
import { LogCursor } from './logCursor';
import { sendableCount, socketOf } from './rheaInternals';

/** The most events that a link sends before other links have their turn. */
const turnEvents = 500;
const turnBytes = 512 * 1024;
/** The most bytes that are written to a socket before the client reads them. */
const socketBytes = 1024 * 1024;

export interface ConsumerOptions {
  sender: Sender;
  hub: Hub;
  partition: number;
  /** The first sequence number to send. */
  sequenceNumber: number;
  /** Whether to send the partition's last enqueued event along with every event. */
  trackLastEnqueued: boolean;
}

/** A link on which a client reads. Sends events of the log as far as the client's credit and its socket allow. */
export class ConsumerLink {
  readonly #options: ConsumerOptions;
  readonly #cursor: LogCursor;
  readonly #stopListening: (() => void)[];
  #scheduled = false;
  #closed = false;

  constructor(options: ConsumerOptions) {
    const { sender, hub, partition, sequenceNumber } = options;
    const log = hub.partitions[partition];
    if (!log) throw new Error(`${hub.name} has no partition ${partition}`);
    this.#options = options;
    this.#cursor = new LogCursor(log, sequenceNumber);
    const socket = socketOf(sender.connection);
    const pump = (): void => this.#schedule();
    sender.on('sender_flow', pump);
    sender.on('sendable', pump);
    sender.on('sender_draining', () => {
      this.#pump();
      sender.set_drained(true);
    });
    socket.on('drain', pump);
    this.#stopListening = [hub.onAppend(partition, pump), () => socket.off('drain', pump)];
  }

  /** Stops sending. */
  close(): void {
    this.#closed = true;
    for (const stop of this.#stopListening) stop();
  }

  #schedule(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#pump();
    });
  }

  #pump(): void {
    const { sender, hub, partition, trackLastEnqueued } = this.#options;
    if (this.#closed || !sender.is_open()) return;
    if (socketOf(sender.connection).writableLength > socketBytes) return;
    let events = Math.min(sendableCount(sender), turnEvents);
    if (events <= 0) return;
    const last = trackLastEnqueued ? hub.partitions[partition]?.lastEnqueued : undefined;
    const retrievedTime = Date.now();
    for (let bytes = 0; events > 0 && bytes < turnBytes; events -= 1) {
      const event = this.#cursor.next();
      if (!event) return;
      const message = last
        ? withLastEnqueued(event, { ...last, enqueuedTime: last.time, retrievedTime })
        : event;
      sender.send(message, undefined, 0);
      hub.delivered += 1;
      bytes += message.length;
    }
    this.#schedule();
  }
}
