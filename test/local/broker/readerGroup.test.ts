import { afterEach, describe, expect, it } from 'vitest';
import {
  closeAll,
  openBroker,
  openConsumerClient,
  openProducerClient,
  type Reading,
  read,
  until,
} from './clients';

afterEach(closeAll);

async function openHub() {
  const broker = await openBroker({ hub: 1 });
  await openProducerClient(broker, 'hub').sendBatch([{ body: 'x' }]);
  const join = (ownerLevel?: number): Reading =>
    read(openConsumerClient(broker, 'hub'), '0', ownerLevel === undefined ? {} : { ownerLevel });
  const reads = (reading: Reading): Promise<void> => until('an event', () => reading.events.length > 0);
  const fails = async (reading: Reading): Promise<string | undefined> => {
    await until('an error', () => reading.errors.length > 0);
    return reading.errors[0]?.code;
  };
  return { join, reads, fails };
}

describe('owner levels', () => {
  it('let a higher level take the partition, and refuse lower levels and none at all', async () => {
    const { join, reads, fails } = await openHub();
    const first = join(1);
    await reads(first);
    const second = join(2);
    await reads(second);
    expect(await fails(first)).toBe('ReceiverDisconnectedError');
    await first.close();
    const lower = join(1);
    expect(await fails(lower)).toBe('ReceiverDisconnectedError');
    const none = join();
    expect(await fails(none)).toBe('ReceiverDisconnectedError');
    expect(lower.events).toEqual([]);
    expect(none.events).toEqual([]);
    expect(second.errors).toEqual([]);
  });

  it('let the same level take the partition over, and any level drive out readers without one', async () => {
    const { join, reads, fails } = await openHub();
    const without = join();
    await reads(without);
    const first = join(1);
    await reads(first);
    expect(await fails(without)).toBe('ReceiverDisconnectedError');
    await without.close();
    const again = join(1);
    await reads(again);
    // The SDK reconnects silently when it loses a link between two batches: then the level drives out the other one.
    await until('one driven out', () => first.errors.length + again.errors.length > 0);
    expect([...first.errors, ...again.errors][0]).toMatchObject({ code: 'ReceiverDisconnectedError' });
  });

  it('are free again when their reader leaves', async () => {
    const { join, reads } = await openHub();
    const high = join(5);
    await reads(high);
    await high.close();
    await reads(join(1));
  });
});

describe('the quota of readers', () => {
  it('refuses the sixth reader of a partition in a consumer group, until one leaves', async () => {
    const { join, reads, fails } = await openHub();
    const readings = [join(), join(), join(), join(), join()];
    for (const reading of readings) await reads(reading);
    const sixth = join();
    expect(await fails(sixth)).toBe('QuotaExceededError');
    await sixth.close();
    await readings[0]?.close();
    await reads(join());
  });
});
