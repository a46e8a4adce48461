import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Health } from '../../src/lib/health/health';
import { clickstream } from '../../src/lib/streams/clickstream';
import { loadStreams } from '../../src/lib/streams/loadStreams';
import { disabledFunctions, disabledSources } from '../kit/disabledFunctions';
import { LocalStack } from '../kit/localStack';
import { deviations } from './openapiContract';

/*
 * The compiled app in two hosts, as in Azure, where HTTP functions and each ingest function run in processes of their own. One host
 * ingests. The other one does not, and is asked for the health.
 */

let stack: LocalStack;
beforeEach(async () => {
  stack = new LocalStack();
  await stack.start({
    ...disabledSources(),
    COMMIT_INTERVAL: '200ms',
    WAREHOUSE: `duckdb:${join(stack.folder, 'warehouse.duckdb')}`,
  });
});
afterEach(() => stack.stop());

/** Asks, and holds the answer to the contract. */
async function ask(url: string): Promise<Health & { readonly http: number }> {
  const reply = await fetch(`${url}/api/health`);
  const { status: http, headers } = reply;
  const body = await reply.text();
  expect(deviations('/health', { status: http, headers, body })).toEqual([]);
  expect(body).not.toMatch(/AccountKey|127\.0\.0\.1|were not read/);
  return { ...(JSON.parse(body) as Health), http };
}

/** Runs the same as `npm run <name> -- <args>`. */
async function run(command: string): Promise<void> {
  const [, name = '', args = ''] = /^npm run (\w+) -- (.*)$/.exec(command) ?? [];
  const file = join(stack.folder, 'settings.json');
  writeFileSync(file, JSON.stringify({ Values: stack.settings }));
  const argv = [resolve(`dist/src/cli/${name}.js`), ...args.split(' '), '--settings', file];
  await promisify(execFile)(process.execPath, argv);
}

it('shows in another process which partitions are stuck, and the command that helps', {
  timeout: 180_000,
}, async () => {
  const ingestIsDisabled = disabledFunctions((name) => name.startsWith('ingest'));
  const { url } = await stack.startHost('answers', ingestIsDisabled);
  await stack.startHost('ingests');
  await stack.sendClicks(200);
  await expect.poll(async () => (await stack.figures('clickstream')).rows, { timeout: 60_000 }).toBe(200);
  await expect
    .poll(() => ask(url), { timeout: 60_000, interval: 500 })
    .toMatchObject({
      http: 200,
      status: 'ok',
      warehouse: { kind: 'duckdb', tables: [{ table: 'clickstream.clicks', loader: 'current' }, {}] },
    });
  const [clicks] = (await ask(url)).streams;
  expect(clicks).toMatchObject({ eventsCommitted: 200, waiting: 0, lettersLastHour: 0, problems: [] });
  expect(clicks?.lastCommit).not.toBeNull();
  const probe = await fetch(`${url}/api/health`, { method: 'HEAD' });
  expect([probe.status, await probe.text()]).toEqual([200, '']);

  // Its reader continues in the middle of the new hub.
  await fetch(`${stack.broker.healthUrl}/hubs/clickstream/recreate`, { method: 'POST' });
  await stack.sendClicks(900);
  await expect.poll(async () => (await ask(url)).http, { timeout: 60_000, interval: 500 }).toBe(503);
  const { status, streams } = await ask(url);
  const others = (await loadStreams()).filter((stream) => stream !== clickstream);
  expect({ status, streams: streams.map((each) => [each.stream, each.status]) }).toEqual({
    status: 'failing',
    streams: [['clickstream', 'failing'], ...others.map(({ name }) => [name, 'ok'])],
  });
  const failure = streams[0]?.failures[0];
  expect(failure).toMatchObject({ code: 'ingest.gap', remedy: { stopApp: true } });
  // The line belongs to the invocation, and its level is the one that is meant.
  expect(stack.log('ingests')).toMatch(/ERROR ingestClickstream: \{"event":"batch-failed",.*"partition":/);
  expect(stack.log('ingests')).toMatch(/INFORMATION ingestClickstream: \{"event":"round",/);

  await stack.stopHost('ingests');
  await run(failure?.remedy?.command ?? '');
  await stack.startHost('mended');
  await expect.poll(async () => (await ask(url)).status, { timeout: 60_000, interval: 500 }).toBe('ok');
  await expect.poll(async () => (await stack.figures('clickstream')).rows, { timeout: 60_000 }).toBe(1100);
});
