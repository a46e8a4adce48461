import type { Socket } from 'node:net';
import type { EventHubConsumerClient } from '@azure/event-hubs';
import { contextOf } from '../../src/lib/sources/clientInternals';

/** The socket of a client's connection; undefined before it is connected. */
export const socketUnder = (client: EventHubConsumerClient): Socket | undefined =>
  contextOf(client)?.connection._connection?.socket;

const known = new WeakSet<Socket>();

/**
 * Lets timers and requests run after each chunk that a client receives. If there is a backlog, Node.js otherwise passes on up to 32 chunks
 * of 64 KB in one turn of the event loop, and the SDK needs up to 0.1 s of CPU for them. In Azure, the host receives events in a process of
 * its own. Call it again with each batch, because the client makes a new socket after a disconnection.
 */
export function readInTurns(client: EventHubConsumerClient): void {
  const socket = socketUnder(client);
  if (!socket || known.has(socket)) return;
  known.add(socket);
  socket.on('data', () => {
    socket.pause();
    setImmediate(() => socket.resume());
  });
}
