import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { clicksOfTheApi } from '../../local/figures';
import { LocalStack } from '../kit/localStack';
import { TotalsWatcher } from './totalsWatcher';

let stack: LocalStack;
beforeEach(async () => {
  stack = new LocalStack();
  await stack.start({ CLICKS_PER_SECOND: '500', COMMIT_INTERVAL: '500ms' });
});
afterEach(() => stack.stop());

it('GET /api/clicks never falls and never shows more than was accepted, even if processes are killed', {
  timeout: 180_000,
}, async () => {
  await stack.startHost('one');
  const accepted = async () => (await stack.figures('clickstream')).accepted;
  const watcher = new TotalsWatcher({ apiUrl: () => stack.hosts.get('one')?.url, accepted });
  const untilMore = async () => {
    const goal = watcher.last + 700;
    await expect.poll(() => watcher.last, { timeout: 60_000 }).toBeGreaterThan(goal);
  };
  await untilMore();
  await stack.restartBroker();
  await untilMore();
  await stack.restartStorage();
  await untilMore();
  await stack.killHost('one');
  const { url } = await stack.startHost('one');
  await untilMore();
  const disabled = { method: 'PUT', body: '{"state":"disabled"}' };
  expect((await fetch(`${url}/admin/functions/emitClickstream/state`, disabled)).status).toBe(200);
  const sent = await accepted();
  for (let tries = 0; tries < 600 && (await clicksOfTheApi(url)) < sent; tries++) await sleep(100);
  expect(await clicksOfTheApi(url)).toBe(sent);
  await watcher.stop();
  expect(watcher.problems).toEqual([]);
  // At least one for each of the five times that it was awaited; how many more is a question of speed.
  expect(watcher.seen).toBeGreaterThan(4);
});
