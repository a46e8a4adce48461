import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ownConnection } from '../../src/lib/streams/connectionName';
import { loadStreams } from '../../src/lib/streams/loadStreams';
import { disabledFunctions } from '../kit/disabledFunctions';
import { LocalStack } from '../kit/localStack';

/*
 * The compiled app and the commands with connections as in the published set-ups. There is no shared connection. Each stream has a policy to
 * listen and one to send, whose connection strings name the hub.
 */

let stack: LocalStack;
let shared: string;
beforeEach(async () => {
  stack = new LocalStack();
  await stack.start({ COMMIT_INTERVAL: '200ms', CLICKS_PER_SECOND: '50' });
  shared = stack.settings.EventHubConnection ?? '';
  Object.assign(stack.settings, { EventHubConnection: '' }, await ownConnections());
});
afterEach(() => stack.stop());

async function ownConnections(): Promise<Record<string, string>> {
  const streams = await loadStreams();
  return Object.fromEntries(
    streams.flatMap((stream) =>
      (['listen', 'send'] as const).map((policy) => [
        ownConnection(stream, policy),
        `${shared.replace('RootManageSharedAccessKey', policy)}EntityPath=${stream.name.toUpperCase()}`,
      ]),
    ),
  );
}

const rowsOf = async (stream: string) => (await stack.figures(stream)).rows;

describe('connections of each stream and direction', () => {
  it('send, read and answer the commands, each with its one right', { timeout: 180_000 }, async () => {
    await stack.startHost('one');
    for (const { name } of await loadStreams())
      await expect.poll(() => rowsOf(name), { timeout: 60_000, interval: 200 }).toBeGreaterThan(50);
    for (const { name } of await loadStreams()) {
      const verified = await stack.command('verify', name);
      expect(verified).toContain('Each event is there once.');
      expect(verified).toMatch(/waits? in the hub\.$/m);
      expect(await stack.command('checkpoints', 'list', name)).toMatch(
        /^partition 0 {2}after sequence number \d+, written .*; an app reads it/m,
      );
    }
  });

  it('refuse the same namespace by another name, and go on where they were once the name is back', {
    timeout: 180_000,
  }, async () => {
    await stack.startHost('one');
    await expect.poll(() => rowsOf('clickstream'), { timeout: 60_000, interval: 200 }).toBeGreaterThan(50);
    await stack.stopHost('one');
    const before = await rowsOf('clickstream');
    const emitIsDisabled = disabledFunctions((name) => name.startsWith('emit'));
    const renamed = (stack.settings.CLICKSTREAM_LISTEN ?? '').replace('127.0.0.1', 'localhost');
    const { url } = await stack.startHost('alias', { ...emitIsDisabled, CLICKSTREAM_LISTEN: renamed });
    const health = async () => (await fetch(`${url}/api/health`)).text();
    await expect.poll(health, { timeout: 60_000, interval: 500 }).toContain('"code":"ingest.renamed"');
    await expect.poll(async () => (await fetch(`${url}/api/health`)).status, { timeout: 60_000 }).toBe(503);
    expect(stack.log('alias')).toMatch(
      /"code":"ingest.renamed".* Let the stream's connection name 127\.0\.0\.1 again\./,
    );
    await stack.stopHost('alias');
    expect(await rowsOf('clickstream')).toBe(before);

    await stack.startHost('two');
    await expect
      .poll(() => rowsOf('clickstream'), { timeout: 60_000, interval: 200 })
      .toBeGreaterThan(before);
    expect(await stack.command('verify', 'clickstream')).toContain('Each event is there once.');
  });
});
