import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HostProcess } from './hostProcess';
import { batches, HubStand, justPrint, numbers, patient, readStatus, sequenceNumbers } from './hubStand';
import { startSilentProxy } from './silentProxy';

let stand: HubStand;
beforeAll(async () => {
  stand = await HubStand.start();
});
afterAll(() => stand?.close());

describe('an Event Hub trigger', { timeout: 60_000 }, () => {
  test('continues after the checkpoint within seconds of a restart', async (context) => {
    const { hub, start } = stand.setUp(context, {
      source: justPrint,
    });
    await stand.send(hub, numbers(0, 10));
    const first = await start();
    await expect.poll(() => sequenceNumbers(first), patient).toEqual(numbers(0, 10));
    await expect.poll(async () => (await stand.checkpointOf(hub))?.sequencenumber, patient).toBe('9');
    expect(await first.stop('SIGTERM')).toBe(0);
    await stand.send(hub, numbers(10, 5));
    const second = await start();
    await expect.poll(() => sequenceNumbers(second), { timeout: 6_000 }).toEqual(numbers(10, 5));
  });

  test('two hosts share the partitions, and after a kill the other takes them within 15 seconds', async (context) => {
    const { hub, start } = stand.setUp(context, {
      source: justPrint,
    });
    const partitions = async (host: HostProcess) => {
      const status = await readStatus(host);
      return status.eventHubs.ingest.partitions;
    };
    const first = await start();
    const second = await start();
    await expect
      .poll(async () => [(await partitions(first)).length, (await partitions(second)).length], patient)
      .toEqual([2, 2]);
    for (const partitionId of ['0', '1', '2', '3']) await stand.send(hub, [1], partitionId);
    await expect.poll(() => sequenceNumbers(first, second).length, patient).toBe(4);
    expect(batches(first)).toHaveLength(2);
    await first.stop('SIGKILL');
    for (const partitionId of ['0', '1', '2', '3']) await stand.send(hub, [2], partitionId);
    await expect
      .poll(() => batches(second).filter((one) => one.sequenceNumbers.includes(1)).length, {
        timeout: 15_000,
      })
      .toBe(4);
    expect((await partitions(second)).length).toBe(4);
  });

  test.for([
    ['under a new name, gets all its partitions when they expire', undefined],
    ['under its old name, gets all its partitions at once', 'one'],
  ])('a host that was killed and comes back %s', async ([, instance], context) => {
    const { hub, start } = stand.setUp(context, { source: justPrint });
    const options = instance === undefined ? {} : { instance };
    const first = await start(options);
    await expect
      .poll(async () => (await readStatus(first)).eventHubs.ingest.partitions.length, patient)
      .toBe(4);
    await first.stop('SIGKILL');
    for (const partitionId of ['0', '1', '2', '3']) await stand.send(hub, [1], partitionId);
    const second = await start(options);
    const timeout = instance === undefined ? 12_000 : 4_500;
    await expect
      .poll(
        () =>
          batches(second)
            .map((batch) => batch.partitionId)
            .sort(),
        { timeout },
      )
      .toEqual(['0', '1', '2', '3']);
  });

  test('a hub that was made again fails the trigger until its checkpoint is deleted', async (context) => {
    const { hub, start } = stand.setUp(context, {
      source: justPrint,
    });
    await stand.send(hub, numbers(0, 10));
    const first = await start();
    await expect.poll(async () => (await stand.checkpointOf(hub))?.sequencenumber, patient).toBe('9');
    await first.stop();
    expect(stand.broker.recreateHub(hub)).toBe(true);
    await stand.send(hub, ['again']);
    const second = await start();
    await expect
      .poll(() => second.lines('npm run checkpoints -- reset <stream>').length, patient)
      .toBeGreaterThan(0);
    expect(second.lines('npm run checkpoints')[0]).toContain(`partition 0 of the hub ${hub}`);
    expect(sequenceNumbers(second)).toEqual([]);
    await stand.container.deleteBlob(`127.0.0.1/${hub}/tributary/checkpoint/0`);
    await expect.poll(() => sequenceNumbers(second), patient).toEqual([0]);
  });

  test('EntityPath beats eventHubName, and with dataType string a body that is no JSON stays text', async (context) => {
    const { hub, start } = stand.setUp(context, {
      source: justPrint.replace('binary', 'string'),
    });
    await stand.send(hub, [{ a: 1 }, Buffer.from('text')]);
    const host = await start({ settings: { Hub: stand.broker.connectionString(hub), HUB: 'unused' } });
    await expect.poll(() => batches(host), patient).toMatchObject([{ bodies: [{ a: 1 }, 'text'] }]);
  });

  test('survives a restart of the broker', async (context) => {
    const { hub, start } = stand.setUp(context, {
      source: justPrint,
    });
    await stand.send(hub, [0]);
    const host = await start();
    await expect.poll(() => sequenceNumbers(host), patient).toEqual([0]);
    await stand.restartBroker();
    await stand.send(hub, [1]);
    await expect.poll(() => sequenceNumbers(host), patient).toEqual([0, 1]);
    await expect.poll(async () => (await stand.checkpointOf(hub))?.sequencenumber, patient).toBe('1');
  });

  test('a host that stood still twice, also while it made its connection anew, has one connection afterwards', async (context) => {
    const { hub, start } = stand.setUp(context, { source: justPrint });
    let silent = false;
    const storage = await startSilentProxy({
      azurite: stand.azurite,
      match: (line) => silent && /^GET .*ownership/.test(line),
      silent: Number.POSITIVE_INFINITY,
    });
    context.onTestFinished(() => storage.close());
    const host = await start({ settings: { AzureWebJobsStorage: storage.connectionString } });
    await expect.poll(() => host.lines('reads partition').length, patient).toBe(4);
    silent = true;
    // The load balancer asks who has which partition. After a pause the host makes its connection anew; to end the old one, it asks again.
    for (const questions of [1, 2]) {
      await expect.poll(() => storage.matched, patient).toBe(questions);
      process.kill(host.pid, 'SIGSTOP');
      await sleep(9_000);
      process.kill(host.pid, 'SIGCONT');
    }
    await expect.poll(() => storage.matched, patient).toBeGreaterThan(2);
    silent = false;
    for (const body of numbers(0, 10)) {
      await stand.send(hub, [body]);
      await sleep(1_000);
    }
    await expect.poll(() => sequenceNumbers(host), patient).toEqual(numbers(0, 10));
    expect(host.lines('went to another host')).toEqual([]);
  }, 120_000);
});
