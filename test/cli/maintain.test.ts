import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { expect, it, onTestFinished } from 'vitest';
import { settingsAt } from '../../local/processes';
import { listenOnLoopback } from '../../src/lib/sameMachine';
import { runCommand } from '../kit/runCommand';

/*
 * `npm run maintain -- --here` while storage is away.
 */

it.each([['counts'], ['all']])('%s asks storage that is away once, and says so in one line', async (step) => {
  let requests = 0;
  const busy = createServer((_, reply) => {
    requests++;
    reply.writeHead(503).end();
  });
  const port = await listenOnLoopback(busy);
  onTestFinished(() => void busy.close());
  const account = 'DefaultEndpointsProtocol=http;AccountName=one;AccountKey=c2VjcmV0';
  const storageConnection = `${account};BlobEndpoint=http://127.0.0.1:${port}/one`;
  const { LakeStorage } = settingsAt({ storageConnection, brokerPort: 1 });
  const env = { PATH: process.env.PATH, LakeStorage, LAKE_CONTAINER: 'lake' };
  const { text, ended } = runCommand('src/cli/maintain.js', [step, '--here'], tmpdir(), env);
  expect([await ended, text()]).toEqual([
    1,
    expect.stringMatching(
      /^Settings: the environment\.\none\/lake: get products\.csv: 5 tries failed, .*503.* \(storage\.unavailable, see docs\/errors\.md\)\n$/,
    ),
  ]);
  expect(requests).toBe(5);
});
