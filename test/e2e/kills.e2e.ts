import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clicksOfTheApi } from '../../local/figures';
import { stopSources } from '../../local/hostAdmin';
import { frequentSchedules, LocalStack, simulatedStreams } from '../kit/localStack';

let stack: LocalStack;
beforeEach(async () => {
  stack = new LocalStack();
  await stack.start({
    CLICKS_PER_SECOND: '500',
    ...(await frequentSchedules()),
    COMMIT_INTERVAL: '500ms',
  });
});
afterEach(() => stack.stop());

/** Resolves when the stream has this many more rows than now. */
async function untilRowsGrow(stream: string, by: number, limitMs = 60_000): Promise<void> {
  const { rows } = await stack.figures(stream);
  const giveUpAt = Date.now() + limitMs;
  for (;;) {
    const now = (await stack.figures(stream)).rows;
    if (now >= rows + by) return;
    if (Date.now() > giveUpAt)
      throw new Error(`${stream} went from ${rows} to ${now} rows in ${limitMs / 1000} s.`);
    await sleep(100);
  }
}

/** Stops the sources and waits until all accepted events are rows. */
async function expectAllArrived(host: string): Promise<void> {
  const url = stack.hosts.get(host)?.url ?? '';
  await stopSources(url);
  for (const stream of ['clickstream', ...(await simulatedStreams()).map(({ name }) => name)]) {
    let figures = await stack.figures(stream);
    for (let tries = 0; tries < 300 && figures.rows < figures.accepted; tries++) {
      await sleep(100);
      figures = await stack.figures(stream);
    }
    expect(figures.accepted).toBeGreaterThan(0);
    expect(figures).toMatchObject({ rows: figures.accepted, ingested: figures.accepted });
  }
  expect(await clicksOfTheApi(url)).toBe((await stack.figures('clickstream')).accepted);
}

describe('every accepted event becomes one row', () => {
  it('though broker, storage and host are each killed and started again', { timeout: 240_000 }, async () => {
    await stack.startHost('one');
    await untilRowsGrow('clickstream', 500);
    for (const { name } of await simulatedStreams()) await untilRowsGrow(name, 100);
    await stack.restartBroker();
    await untilRowsGrow('clickstream', 500);
    await stack.restartStorage();
    await untilRowsGrow('clickstream', 500);
    await stack.killHost('one');
    await stack.startHost('one');
    await untilRowsGrow('clickstream', 500);
    for (const { name } of await simulatedStreams()) await untilRowsGrow(name, 100);
    await expectAllArrived('one');
  });

  it('though one of two hosts is killed, whose partitions the other takes within 15 s', {
    timeout: 240_000,
  }, async () => {
    await stack.startHost('one');
    await stack.startHost('two');
    // Both must own partitions, or the kill would prove nothing.
    for (const name of ['one', 'two']) await untilOwns(name, 1);
    await untilRowsGrow('clickstream', 500);
    for (const { name } of await simulatedStreams()) await untilRowsGrow(name, 100);
    await stack.killHost('one');
    const killedAt = Date.now();
    await untilOwns('two', 4);
    expect(Date.now() - killedAt).toBeLessThan(15_000);
    await untilRowsGrow('clickstream', 500);
    await expectAllArrived('two');
  });
});

/** The partitions of the clickstream that a host reads, as it says itself. */
async function ownedBy(host: string): Promise<string[]> {
  const reply = await fetch(`${stack.hosts.get(host)?.url}/admin/host/status`);
  const status = (await reply.json()) as { eventHubs?: Record<string, { partitions?: string[] }> };
  return status.eventHubs?.ingestClickstream?.partitions ?? [];
}

async function untilOwns(host: string, partitions: number): Promise<void> {
  const giveUpAt = Date.now() + 60_000;
  while ((await ownedBy(host)).length < partitions) {
    if (Date.now() > giveUpAt) throw new Error(`${host} did not get ${partitions} partitions in a minute.`);
    await sleep(100);
  }
}
