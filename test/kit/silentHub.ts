import { createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { listenOnLoopback } from '../../src/lib/sameMachine';

/** Starts a namespace that accepts connections and never answers, for as long as the test runs. The result has its open connections. */
export async function startSilentHub() {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.resume();
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
  });
  const port = await listenOnLoopback(server);
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const connectionString = `Endpoint=sb://127.0.0.1:${port};SharedAccessKeyName=own;SharedAccessKey=a2V5;UseDevelopmentEmulator=true`;
  return { namespace: { connectionString }, sockets };
}
