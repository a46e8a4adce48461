import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type Azurite, startAzurite } from '../../../local/azurite';
import { hubSettings } from '../../../local/hubs';
import { settingsAt } from '../../../local/processes';
import { answerClicks } from '../../../src/lib/app/clicks';
import { openAzureBlobStore } from '../../../src/lib/storage/azureBlobStore';

let azurite: Azurite;
beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.close());

it('warns once, without their text, of lines of products.csv that are passed over', async () => {
  const { connectionString } = azurite;
  const settings = settingsAt({ storageConnection: connectionString, brokerPort: 1 });
  for (const [name, value] of Object.entries({ ...settings, ...(await hubSettings()) }))
    vi.stubEnv(name, value);
  const store = await openAzureBlobStore({ connectionString }, 'lake');
  await store.put('products.csv', Buffer.from('1,Lamp\nmine,Ghost\n3,\n'));
  const lines: string[] = [];
  vi.spyOn(console, 'warn').mockImplementation((line) => lines.push(line));
  for (let times = 0; times < 2; times++)
    await answerClicks({ path: '', query: new URLSearchParams(), headers: new Headers() });
  vi.restoreAllMocks();
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    {
      event: 'products-passed-over',
      level: 'warning',
      names: 1,
      passedOver: 2,
      examples: ['line 2: its productid is no whole number', 'line 3: it has no name'],
      isUtf8: true,
      message: 'products.csv has lines that are not used: npm run products -- show',
    },
  ]);
});
