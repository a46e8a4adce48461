import { createServer, type Server } from 'node:http';
import { afterEach, expect, it } from 'vitest';
import { askPart } from '../../local/askPart';
import { listenOnLoopback } from '../../src/lib/sameMachine';

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** The address of a part that answers the path `/begun` with a body that has no end, and no other path. */
async function serve(): Promise<string> {
  server = createServer(({ url }, response) => {
    if (url === '/begun') response.writeHead(200).write('{');
  });
  const port = await listenOnLoopback(server);
  return `http://127.0.0.1:${port}`;
}

it.each(['/silent', '/begun'])(
  'a part that does not answer %s is named, with its address and how long it was waited for',
  async (path) => {
    const url = await serve();
    await expect(askPart('the Functions host', `${url}${path}`, { limitMs: 200 })).rejects.toThrow(
      `the Functions host at ${url} did not answer in 0.2 s`,
    );
  },
);

it('a part that is not there is named, with the reason', async () => {
  await expect(askPart('the broker', 'http://127.0.0.1:9999/stats')).rejects.toThrow(
    /^the broker at http:\/\/127\.0\.0\.1:9999 did not answer \(connect ECONNREFUSED 127\.0\.0\.1:9999\)$/,
  );
});
