import { afterEach, describe, expect, it } from 'vitest';
import { startAdmin } from '../../../local/broker/admin';
import { requestsOfOtherSites, sendAs } from '../../kit/sendAs';
import { closeAll, openBroker, openProducerClient } from './clients';

let closeAdmin: () => Promise<void>;
afterEach(async () => {
  await closeAdmin();
  await closeAll();
});

async function open() {
  const broker = await openBroker({ hub: 2 });
  const admin = await startAdmin(broker, 0);
  closeAdmin = admin.close;
  const ask = async (method: string, path: string): Promise<{ status: number; body: unknown }> => {
    const response = await fetch(`http://127.0.0.1:${admin.port}${path}`, { method });
    return { status: response.status, body: await response.json() };
  };
  return { broker, ask, url: `http://127.0.0.1:${admin.port}` };
}

describe('the admin server', () => {
  it('answers health and stats', async () => {
    const { broker, ask } = await open();
    expect(await ask('GET', '/health')).toEqual({ status: 200, body: { status: 'healthy' } });
    await openProducerClient(broker, 'hub').sendBatch([{ body: 1 }], { partitionId: '1' });
    expect(await ask('GET', '/stats')).toEqual({
      status: 200,
      body: {
        hubs: {
          hub: {
            accepted: 1,
            delivered: 0,
            createdOn: expect.stringMatching(/^\d{4}-.*Z$/),
            partitions: [
              { begin: 0, last: -1 },
              { begin: 0, last: 0 },
            ],
          },
        },
      },
    });
  });

  it('expires events and makes hubs again', async () => {
    const { broker, ask } = await open();
    await openProducerClient(broker, 'hub').sendBatch([{ body: 1 }, { body: 2 }], { partitionId: '0' });
    expect((await ask('POST', '/hubs/hub/truncate?partition=0&before=1')).status).toBe(200);
    expect(broker.stats().hubs.hub?.partitions[0]).toEqual({ begin: 1, last: 1 });
    expect((await ask('POST', '/hubs/hub/recreate')).status).toBe(200);
    expect(broker.stats().hubs.hub?.accepted).toBe(0);
  });

  it.each(requestsOfOtherSites)('does nothing for a web page of another site: %j', async (headers) => {
    const { broker, url } = await open();
    await openProducerClient(broker, 'hub').sendBatch([{ body: 1 }], { partitionId: '0' });
    expect((await sendAs(`${url}/hubs/hub/recreate`, headers, 'POST')).status).toBe(403);
    expect((await sendAs(`${url}/stats`, headers)).status).toBe(403);
    expect(broker.stats().hubs.hub?.accepted).toBe(1);
  });

  it.each([
    ['GET', '/nothing', 404, 'there is no GET /nothing'],
    ['GET', '/hubs/hub/recreate', 404, 'there is no GET /hubs/hub/recreate'],
    ['POST', '/hubs/other/recreate', 404, 'there is no hub other'],
    ['POST', '/hubs/hub/truncate?partition=9&before=1', 404, "there is no partition '9' of a hub hub"],
    ['POST', '/hubs/hub/truncate?partition=0&before=x', 400, "before must be a sequence number, found 'x'"],
  ])('answers %s %s with %i', async (method, path, status, error) => {
    const { ask } = await open();
    expect(await ask(method, path)).toEqual({ status, body: { error } });
  });
});
