import { describe, expect, test } from 'vitest';
import { resolveHubConnection, resolveNames } from '../../../local/host/settings';

const connect = (settings: Record<string, string>, eventHubName: string | undefined = 'clicks') =>
  resolveHubConnection({ connection: 'Hub', eventHubName, where: 'ingest' }, settings);

describe('settings', () => {
  test('%NAME% is replaced by the setting', () => {
    expect(resolveNames('a-%B%-%C%', { B: '1', C: '2' }, 'ingest: eventHubName')).toBe('a-1-2');
    expect(() => resolveNames('%D%', {}, 'ingest: eventHubName')).toThrow(
      'ingest: eventHubName refers to the setting D, which is not set.',
    );
  });

  test('a hub is reached by connection string, whose EntityPath beats the name, or by namespace', () => {
    expect(connect({ Hub: 'Endpoint=sb://x/' })).toEqual({
      eventHubName: 'clicks',
      connectionString: 'Endpoint=sb://x/',
    });
    expect(connect({ Hub: 'Endpoint=sb://x/;EntityPath=other' }).eventHubName).toBe('other');
    expect(connect({ Hub__fullyQualifiedNamespace: 'x.servicebus.windows.net' })).toEqual({
      eventHubName: 'clicks',
      fullyQualifiedNamespace: 'x.servicebus.windows.net',
    });
    const Hub__fullyQualifiedNamespace = 'x.servicebus.windows.net';
    expect(() => connect({ Hub__fullyQualifiedNamespace, Hub__credential: 'managedidentity' })).toThrow(
      'ingest: there is no managed identity on this machine: remove Hub__credential',
    );
    for (const host of ['127.0.0.1', 'LOCALHOST', 'localhost:5672', '[::1]', '[::1]:5672'])
      expect(() => connect({ Hub__fullyQualifiedNamespace: host })).toThrow(
        'ingest: the broker on this machine knows no identities: remove Hub__fullyQualifiedNamespace, and set Hub',
      );
    expect(() => connect({})).toThrow(
      'neither the setting Hub (a connection string) nor Hub__fullyQualifiedNamespace',
    );
  });
});
