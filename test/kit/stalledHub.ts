import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Broker } from '../../local/broker/broker';
import { listenOnLoopback } from '../../src/lib/sameMachine';

export interface StalledHub {
  readonly connectionString: string;
  /** Resolves when the first connection gets no more answers. */
  readonly stalled: Promise<void>;
  /** All connections so far. */
  readonly opened: readonly Socket[];
  /** Connections that are open now. */
  readonly sockets: ReadonlySet<Socket>;
  close(): void;
}

/** The performative of AMQP 1.0 that begins a session. */
const begin = Buffer.from([0x00, 0x53, 0x11]);

/**
 * Starts a proxy in front of the broker. It lets the first connection be opened and then passes no answer on it. All other connections
 * work.
 */
export async function startStalledHub(broker: Broker): Promise<StalledHub> {
  const opened: Socket[] = [];
  const sockets = new Set<Socket>();
  const { promise: stalled, resolve: stall } = Promise.withResolvers<void>();
  const proxy = createServer({ allowHalfOpen: true }, (socket) => {
    const isFirst = opened.push(socket) === 1;
    sockets.add(socket);
    let isStalled = false;
    const onward = connect(broker.port, '127.0.0.1');
    socket.on('data', (bytes) => {
      if (isFirst && bytes.includes(begin)) isStalled = true;
      if (isStalled) stall();
      onward.write(bytes);
    });
    onward.on('data', (bytes) => isStalled || socket.write(bytes));
    socket.on('end', () => onward.end()).on('error', () => onward.destroy());
    onward.on('end', () => socket.end()).on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket) && onward.destroy());
  });
  const port = await listenOnLoopback(proxy);
  const connectionString = broker.connectionString().replace(`:${broker.port};`, `:${port};`);
  const close = () => {
    proxy.close();
    for (const socket of sockets) socket.destroy();
  };
  return { connectionString, stalled, opened, sockets, close };
}

interface AskedClient {
  getEventHubProperties(options?: { abortSignal: AbortSignal }): Promise<unknown>;
  close(): Promise<void>;
}

/**
 * After this many microtasks the first question is given up, while the second one is about to need a connection. Values from 4 to 10 work.
 */
const microtasksToClose = 7;

/**
 * Asks a client of a stalled hub two questions, gives the first one up and closes the client. For the second question, the SDK then opens
 * the connection again that is being closed, and drops it because of the errors that follow. Returns the errors that nothing handled.
 */
export function closeWhileAsked(client: AskedClient, { stalled }: StalledHub): Promise<unknown[]> {
  return unhandledDuring(async () => {
    const abandoned = new AbortController();
    client.getEventHubProperties({ abortSignal: abandoned.signal }).catch(() => {});
    const second = client.getEventHubProperties({ abortSignal: AbortSignal.timeout(2000) }).catch(() => {});
    await stalled;
    await sleep(50);
    abandoned.abort();
    for (let n = 0; n < microtasksToClose; n++) await null;
    client.close().catch(() => {});
    await second;
    // The SDK emits the errors of a connection in a timer.
    await sleep(100);
  });
}

/** The errors that would have ended the process during the work. */
async function unhandledDuring(work: () => Promise<unknown>): Promise<unknown[]> {
  const errors: unknown[] = [];
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => errors.push(error));
  try {
    await work();
  } finally {
    process.removeAllListeners('uncaughtException');
    for (const listener of others) process.on('uncaughtException', listener);
  }
  return errors;
}
