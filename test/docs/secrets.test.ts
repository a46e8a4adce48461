import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { hubSettings } from '../../local/hubs';
import { parseSettings } from '../../src/lib/settings';
import { findStream, loadStreams } from '../../src/lib/streams/loadStreams';

/*
 * The two ways of docs/deploy.md to give secrets to the app: their settings as the app reads them.
 */

const document = readFileSync('docs/deploy.md', 'utf8');

/** The settings that a block of commands sets. */
function settingsAfter(heading: string): Record<string, string> {
  const [, rest = ''] = document.split(`**${heading}**`);
  const [, block = ''] = /```sh\n([\s\S]*?)```/.exec(rest) ?? [];
  return Object.fromEntries(
    [...block.matchAll(/^ {2}"(\w+)=(.*?)"/gm)].map(([, name, value]) => [name, value]),
  );
}

/** What an app has besides. */
const others = async () => ({
  ...(await hubSettings()),
  AzureWebJobsStorage__accountName: 'host',
  EventHubConnection__fullyQualifiedNamespace: 'contoso.servicebus.windows.net',
  CLICKSTREAM_SCHEDULE: '*/10 * * * * *',
  COINCAP_SCHEDULE: '0 */30 * * * *',
  CONSUMER_GROUP: 'tributary',
});
const base64 = Buffer.from('a key').toString('base64');

it('plain settings are accepted as they stand there, with keys in their places', async ({ skip }) => {
  const stream = (await findStream('coincap')) ?? skip('There is no such stream.');
  const plain = settingsAfter('Plain settings.');
  expect(Object.keys(plain)).toEqual([
    ...['COINCAP_HUB', 'COINCAP_LISTEN', 'COINCAP_SEND', 'LakeStorage', 'WAREHOUSE', 'COINCAP_API_KEY'],
  ]);
  const entries = Object.entries(plain).map(([name, value]) => [name, value.replace(/\bKEY\b/, base64)]);
  const settings = parseSettings(
    { ...(await others()), ...Object.fromEntries(entries) },
    await loadStreams(),
  );
  expect(settings.hub(stream, 'listen').hub).toBe('coincaphub');
  expect(settings.warehouse).toMatchObject({ kind: 'sql', address: { database: 'POOL' } });
});

it('references that Azure has not resolved are refused, each by its name and without its address', async ({
  skip,
}) => {
  if (!(await findStream('coincap'))) skip('There is no such stream.');
  const references = settingsAfter('References to Key Vault.');
  expect(Object.keys(references)).toEqual(Object.keys(settingsAfter('Plain settings.')));
  let problems = '';
  try {
    parseSettings({ ...(await others()), ...references }, await loadStreams());
  } catch (error) {
    problems = String(error);
  }
  for (const name of Object.keys(references).filter((one) => one !== 'COINCAP_HUB'))
    expect(problems).toContain(`- ${name} is a reference to Key Vault that was not resolved`);
  expect(problems).not.toContain('vault.azure.net');
});
