import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readAppSettings } from '../../src/cli/appSettings';
import { clickstream } from '../../src/lib/streams/clickstream';
import { loadStreams } from '../../src/lib/streams/loadStreams';

const folder = mkdtempSync(join(tmpdir(), 'settings-'));
afterAll(() => rmSync(folder, { recursive: true }));

const withEntityPath = (hub: string): string =>
  `Endpoint=sb://contoso.servicebus.windows.net/;SharedAccessKeyName=app;SharedAccessKey=c2VjcmV0;EntityPath=${hub}`;

/** The settings as a command reads them from a file with these values. */
async function read(values: Record<string, string>) {
  const file = join(folder, 'local.settings.json');
  const ofTheApp = { LakeStorage: 'UseDevelopmentStorage=true', CONSUMER_GROUP: 'tributary' };
  writeFileSync(file, JSON.stringify({ Values: { ...ofTheApp, ...values } }));
  return readAppSettings(file);
}

describe('the settings of a command', () => {
  it('refuse a connection string that names another hub than a stream has, as the app does', async () => {
    for (const { hubSetting } of await loadStreams())
      await expect(
        read({ EventHubConnection: withEntityPath('tides'), [hubSetting]: 'mine' }),
      ).rejects.toThrow(
        `- EventHubConnection has EntityPath=tides, but ${hubSetting} is mine: take ;EntityPath=tides out of the connection string, or set `,
      );
  });

  it('take a connection string that names the same hub', async () => {
    const settings = await read({ EventHubConnection: withEntityPath('Tides'), CLICKSTREAM_HUB: 'tides' });
    expect(settings.hub(clickstream, 'listen').hub).toBe('tides');
  });

  it('need none of a stream', async () => {
    const settings = await read({ EventHubConnection: withEntityPath('tides') });
    expect(settings.lakeContainer).toBe('lake');
  });
});
