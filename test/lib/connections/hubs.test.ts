import { describe, expect, it } from 'vitest';
import { parseSettings } from '../../../src/lib/settings';
import { clickstream } from '../../../src/lib/streams/clickstream';
import { connectionName } from '../../../src/lib/streams/connectionName';
import type { Stream } from '../../../src/lib/streams/stream';

const { settings: _, ...noSettings } = clickstream;
const clicks: Stream = { ...noSettings, name: 'clicks', hubSetting: 'CLICKS_HUB' };
const tides: Stream = { ...noSettings, name: 'tides', hubSetting: 'TIDES_HUB' };
const streams = [clicks, tides];

const key = 'c2VjcmV0';
const to = (namespace: string, policy: string, hub?: string) =>
  `Endpoint=sb://${namespace}/;SharedAccessKeyName=${policy};SharedAccessKey=${key}${hub ? `;EntityPath=${hub}` : ''}`;

const others = {
  LakeStorage: 'UseDevelopmentStorage=true',
  CONSUMER_GROUP: 'tributary',
  CLICKS_HUB: 'clicks',
  TIDES_HUB: 'tides',
};

/** As two published set-ups have them: a namespace for each hub, and in it a policy to listen and one to send. */
const ofTheirOwn = {
  ...others,
  CLICKS_LISTEN: to('shop', 'listen', 'clicks'),
  CLICKS_SEND: to('shop', 'send', 'clicks'),
  TIDES_LISTEN: to('sea', 'listen', 'Tides'),
  TIDES_SEND: to('sea', 'send', 'tides'),
};

function problemsOf(
  environment: Record<string, string>,
  read?: (settings: ReturnType<typeof parseSettings>) => unknown,
) {
  try {
    const settings = parseSettings(environment, streams);
    read?.(settings);
  } catch (error) {
    expect(error).toMatchObject({ code: 'settings.invalid' });
    expect(String(error)).not.toContain(key);
    return String(error).split('\n').slice(1);
  }
  return [];
}

describe('the connection of a stream', () => {
  it('is one of its own for each direction', () => {
    const settings = parseSettings(ofTheirOwn, streams);
    expect(settings.hub(clicks, 'listen')).toEqual({
      namespace: { connectionString: to('shop', 'listen') },
      hub: 'clicks',
    });
    expect(settings.hub(clicks, 'send').namespace).toEqual({ connectionString: to('shop', 'send') });
    expect(settings.hub(tides, 'listen').namespace).toEqual({ connectionString: to('sea', 'listen') });
    expect(settings.hub(tides, 'send').namespace).toEqual({ connectionString: to('sea', 'send') });
  });

  it('leads to a hub of its own', () => {
    const refusal = '- TIDES_HUB names the hub of CLICKS_HUB: each stream needs a hub of its own.';
    const same = { ...others, TIDES_HUB: 'CLICKS' };
    expect(problemsOf({ ...same, EventHubConnection: to('shop', 'app') })).toEqual([refusal]);
    const withIdentity = { ...same, EventHubConnection__fullyQualifiedNamespace: 'shop.net' };
    expect(problemsOf(withIdentity)).toEqual([refusal]);
    expect(
      problemsOf({ ...same, CLICKS_LISTEN: to('shop', 'l'), TIDES_LISTEN: to('sea', 'l') }),
      'of another namespace',
    ).toEqual([]);
  });

  it('is EventHubConnection where it has none of its own', () => {
    const { CLICKS_LISTEN, ...rest } = ofTheirOwn;
    const environment = { ...others, CLICKS_LISTEN, TIDES_LISTEN: ' ', EventHubConnection: to('all', 'app') };
    const settings = parseSettings(environment, streams);
    expect(settings.hub(clicks, 'listen').namespace).toEqual({ connectionString: to('shop', 'listen') });
    expect(settings.hub(clicks, 'send').namespace).toEqual({ connectionString: to('all', 'app') });
    expect(settings.hub(tides, 'listen').namespace).toEqual({ connectionString: to('all', 'app') });
    expect(connectionName(clicks, 'listen', environment)).toBe('CLICKS_LISTEN');
    expect(connectionName(tides, 'listen', environment)).toBe('EventHubConnection');
    expect(problemsOf(rest)).toEqual([
      expect.stringMatching(/^- EventHubConnection is missing: .* Or set CLICKS_LISTEN instead\.$/),
    ]);
  });

  it('to listen is missed at once for all streams, and to send only when events are sent', () => {
    expect(problemsOf(others)).toEqual([
      '- EventHubConnection is missing: expected Endpoint=sb://<namespace>/;SharedAccessKeyName=<policy>;SharedAccessKey=<key>. Or set CLICKS_LISTEN and TIDES_LISTEN instead.',
    ]);
    const { TIDES_SEND: __, ...listening } = ofTheirOwn;
    expect(problemsOf(listening)).toEqual([]);
    expect(problemsOf(listening, (settings) => settings.hub(tides, 'send'))).toEqual([
      expect.stringMatching(/^- EventHubConnection is missing: .* Or set TIDES_SEND instead\.$/),
    ]);
  });

  it('names the same hub as the hub setting, in any case', () => {
    const wrong = {
      ...ofTheirOwn,
      CLICKS_LISTEN: to('shop', 'listen', 'tides'),
      TIDES_SEND: to('sea', 'send', 'clicks'),
    };
    expect(problemsOf(wrong)).toEqual([
      '- CLICKS_LISTEN has EntityPath=tides, but CLICKS_HUB is clicks: they must name the same hub.',
      '- TIDES_SEND has EntityPath=clicks, but TIDES_HUB is tides: they must name the same hub.',
    ]);
  });

  it('is not EventHubConnection if that names the hub of another stream', () => {
    const EventHubConnection = to('all', 'app', 'tides');
    expect(problemsOf({ ...others, EventHubConnection })).toEqual([
      '- EventHubConnection has EntityPath=tides, but CLICKS_HUB is clicks: take ;EntityPath=tides out of the connection string, or set CLICKS_LISTEN and CLICKS_SEND.',
    ]);
    const { CLICKS_LISTEN } = ofTheirOwn;
    const environment = { ...others, EventHubConnection, CLICKS_LISTEN };
    expect(problemsOf(environment)).toEqual([]);
    expect(problemsOf(environment, (settings) => settings.hub(clicks, 'send'))).toHaveLength(1);
  });

  it('is refused when it is no connection string, and the message never contains its value', () => {
    for (const name of ['CLICKS_LISTEN', 'CLICKS_SEND'])
      expect(problemsOf({ ...ofTheirOwn, [name]: `SharedAccessKey=${key}` })).toEqual([
        expect.stringContaining(`- ${name} is malformed: expected Endpoint=sb://<namespace>/`),
      ]);
    expect(problemsOf({ ...others, EventHubConnection: `SharedAccessKey=${key}` })).toEqual([
      expect.stringContaining('- EventHubConnection is malformed: expected Endpoint=sb://<namespace>/'),
    ]);
  });
});

describe.each([
  ['EventHubConnection', clicks, others],
  ['CLICKS_LISTEN', clicks, { ...others, EventHubConnection: to('all', 'app') }],
])('%s with an identity', (name, stream, environment) => {
  const host = { [`${name}__fullyQualifiedNamespace`]: 'shop.servicebus.windows.net' };
  const namespaceOf = (settings: Record<string, string>) =>
    parseSettings({ ...environment, ...settings }, streams).hub(stream, 'listen').namespace;

  it('has a host name, and perhaps a managed identity', () => {
    const fullyQualifiedNamespace = 'shop.servicebus.windows.net';
    expect(namespaceOf(host)).toEqual({ fullyQualifiedNamespace });
    const settings = { ...host, [`${name}__credential`]: 'managedIdentity', [`${name}__clientId`]: 'id' };
    expect(namespaceOf(settings)).toEqual({
      fullyQualifiedNamespace,
      credential: 'managedidentity',
      clientId: 'id',
    });
    expect(connectionName(stream, 'listen', { ...environment, ...settings })).toBe(name);
  });

  it('is refused with another kind of credential', () => {
    const settings = { ...environment, ...host, [`${name}__credential`]: 'workloadidentity' };
    expect(problemsOf(settings)).toEqual([
      `- ${name}__credential is not supported: expected managedidentity, or no such setting, so that DefaultAzureCredential looks for an identity.`,
    ]);
  });

  it('is refused when its host name is missing or malformed', () => {
    const missing = { ...environment, [`${name}__clientId`]: 'id' };
    expect(problemsOf(missing)).toEqual([
      `- ${name}__fullyQualifiedNamespace is missing: expected a host name like contoso.servicebus.windows.net.`,
    ]);
    expect(problemsOf({ ...environment, [`${name}__fullyQualifiedNamespace`]: 'sb://x' })).toEqual([
      expect.stringContaining(`- ${name}__fullyQualifiedNamespace is malformed`),
    ]);
  });

  it('is refused beside a connection string, because the Functions host would take that one', () => {
    expect(problemsOf({ ...environment, ...host, [name]: to('shop', 'listen') })).toEqual([
      `- ${name} and ${name}__fullyQualifiedNamespace are both set: keep one of them, and remove the other.`,
    ]);
  });
});
