import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Coincap, startCoincap } from '../../../../local/coincap/coincap';
import { CoincapClient } from '../../../../src/lib/sources/coincap/coincapClient';
import { publishAssets } from '../../../../src/lib/sources/coincap/publishAssets';
import type { OutgoingEvent } from '../../../../src/lib/sources/sendEvents';
import { coincap as stream } from '../../../../src/lib/streams/coincap';
import { isRow } from '../../../../src/lib/streams/stream';

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
  it('sends each asset as an event with its id for the key, which the stream decodes', async () => {
    const { accepted, sent } = await publish();
    expect(accepted).toBe(100);
    expect(sent).toHaveLength(100);
    for (const { body, partitionKey } of sent) {
      const [row, ...more] = stream.decode(Buffer.from(JSON.stringify(body)));
      expect(more).toEqual([]);
      expect(row && isRow(row) && row[0]).toBe(partitionKey);
    }
  });

  it('logs the two lines of the published script', async () => {
    const { lines } = await publish();
    expect(lines).toEqual(['Coins sent to EventHub: 100', 'Data Published at: 2023-03-30 15:51:33.124000']);
  });

  it('counts what the hub accepted, not what was offered', async () => {
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
