import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Coincap, startCoincap } from '../../../../local/coincap/coincap';
import { CoincapClient } from '../../../../src/lib/sources/coincap/coincapClient';
import { publishAssets } from '../../../../src/lib/sources/coincap/publishAssets';
import type { OutgoingEvent } from '../../../../src/lib/sources/sendEvents';

let coincap: Coincap;

beforeAll(async () => {
  coincap = await startCoincap({ port: 0, key: 'key' });
});
afterAll(() => coincap.close());

async function publish(accept = (events: readonly OutgoingEvent[]) => events.length) {
  const sent: OutgoingEvent[] = [];
  const lines: string[] = [];
  const accepted = await publishAssets({
    client: new CoincapClient({ url: new URL(coincap.url), apiKey: 'key' }),
    send: async (events) => {
      sent.push(...events);
      return accept(events);
    },
    log: (line) => lines.push(line),
    now: () => Date.UTC(2023, 2, 30, 15, 51, 33, 124),
  });
  return { accepted, sent, lines };
}

describe('publishing the assets', () => {
  it('sends each asset as an event with its id for the key', async () => {
    const { accepted, sent } = await publish();
    expect(accepted).toBe(100);
    expect(sent).toHaveLength(100);
    for (const { body, partitionKey } of sent) expect(body).toMatchObject({ id: partitionKey });
  });

  it('also sends an entry that is not an asset, without a key', async () => {
    const sent: OutgoingEvent[] = [];
    const answer = { timestamp: 1, assets: [{ id: 'a', timestamp: 1 }, null, { timestamp: 1 }] };
    await publishAssets({
      client: { fetchAssets: async () => answer },
      send: async (events) => sent.push(...events),
      log: () => {},
    });
    expect(sent.map(({ partitionKey }) => partitionKey)).toEqual(['a', '', '']);
    expect(sent.map(({ body }) => body)).toEqual(answer.assets);
  });

  it.each([false, true])('sends nothing where there are no assets, with asArray %j', async (asArray) => {
    const sent: OutgoingEvent[] = [];
    const accepted = await publishAssets({
      client: { fetchAssets: async () => ({ timestamp: 1, assets: [] }) },
      send: async (events) => sent.push(...events),
      log: () => {},
      asArray,
    });
    expect([accepted, sent]).toEqual([0, []]);
  });

  it('logs the two lines of the published script', async () => {
    const { lines } = await publish();
    expect(lines).toEqual(['Coins sent to EventHub: 100', 'Data Published at: 2023-03-30 15:51:33.124000']);
  });

  it('counts the events that the hub accepted, not all events', async () => {
    const { accepted, lines } = await publish(() => 99);
    expect(accepted).toBe(99);
    expect(lines[0]).toBe('Coins sent to EventHub: 99');
  });

  it('sends nothing while the API wants us to wait, and says until when', async () => {
    coincap.fail({ kind: '429', retryAfterSeconds: 60 });
    const { accepted, sent, lines } = await publish();
    expect([accepted, sent]).toEqual([0, []]);
    expect(lines).toEqual([
      expect.stringMatching(/^CoinCap wants no requests before \d{4}-.*Z; nothing was sent\.$/),
    ]);
  });
});
