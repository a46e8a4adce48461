import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readHostJson } from '../../../local/host/hostJson';
import { parseTimeSpan } from '../../../src/lib/duration';

function read(content: unknown, settings: Record<string, string> = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'host-json-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  writeFileSync(join(dir, 'host.json'), JSON.stringify(content));
  return readHostJson(join(dir, 'host.json'), settings);
}

const durable = (durableTask: Record<string, unknown>) => ({ extensions: { durableTask } });

describe('host.json', () => {
  test('a setting takes the place of the level of the log', () => {
    const name = 'AzureFunctionsJobHost__logging__logLevel__default';
    const content = { logging: { logLevel: { default: 'Warning' } } };
    expect(read(content).logLevel).toBe('warning');
    expect(read(content, { [name]: 'Debug' }).logLevel).toBe('debug');
    expect(() => read(content, { [name]: 'Loud' })).toThrow(`${name} cannot be "Loud"`);
  });

  test('has the defaults of the real host', () => {
    expect(read({ version: '2.0' })).toEqual({
      routePrefix: 'api',
      functionTimeoutMs: 1_800_000,
      logLevel: 'information',
      eventHubs: {
        maxEventBatchSize: 100,
        minEventBatchSize: 1,
        maxWaitTimeMs: 60_000,
        prefetchCount: 300,
        prefetchSizeInBytes: undefined,
        batchCheckpointFrequency: 1,
        initialOffset: 'fromStart',
      },
      durableTask: {
        hubName: 'TestHubName',
        defaultVersion: undefined,
        versionMatchStrategy: 'CurrentOrOlder',
        maxConcurrentActivityFunctions: 10,
      },
    });
  });

  test('a timeout of -1 is none; an initial offset can be a time', () => {
    const enqueuedTimeUtc = '2026-05-01T00:00:00Z';
    const initialOffsetOptions = { type: 'FromEnqueuedTime', enqueuedTimeUtc };
    const read1 = read({ functionTimeout: '-1', extensions: { eventHubs: { initialOffsetOptions } } });
    expect(read1.functionTimeoutMs).toBeUndefined();
    expect(read1.eventHubs.initialOffset).toEqual({ enqueuedTime: new Date(enqueuedTimeUtc) });
  });

  test('settings take the place of values for the Event Hubs extension', () => {
    const eventHubs = { maxEventBatchSize: 1000, prefetchCount: 2000 };
    const settings = {
      AzureFunctionsJobHost__extensions__eventHubs__maxEventBatchSize: '8000',
      AZUREFUNCTIONSJOBHOST__EXTENSIONS__EVENTHUBS__MAXWAITTIME: '00:00:02',
    };
    expect(read({ extensions: { eventHubs } }, settings).eventHubs).toMatchObject({
      maxEventBatchSize: 8000,
      maxWaitTimeMs: 2000,
      prefetchCount: 2000,
    });
  });

  test.each([
    [{ functionTimeout: '5 minutes' }, 'functionTimeout must be a time span'],
    [{ extensions: { eventHubs: { maxEventBatchSize: 0 } } }, 'maxEventBatchSize must be 1 or more'],
    [{ extensions: { eventHubs: { prefetchSizeInBytes: 'much' } } }, 'prefetchSizeInBytes must be 1 or more'],
    [{ extensions: { eventHubs: { minEventBatchSize: 200 } } }, 'minEventBatchSize must not exceed'],
    [{ extensions: { eventHubs: { maxWaitTime: 1 } } }, 'maxWaitTime must be a time span'],
    [
      { extensions: { eventHubs: { initialOffsetOptions: { type: 'middle' } } } },
      'initialOffsetOptions must have type',
    ],
    [{ logging: { logLevel: { default: 'Loud' } } }, 'cannot be "Loud"'],
    [durable({ hubName: 'my-hub' }), 'durableTask.hubName must be 3 to 45 letters and digits'],
    [durable({ defaultVersion: 2 }), 'durableTask.defaultVersion must be text'],
    [durable({ versionMatchStrategy: 'Newest' }), 'must be one of None, Strict, CurrentOrOlder'],
    [durable({ versionFailureStrategy: 'Fail' }), 'versionFailureStrategy "Fail" is not supported'],
    [durable({ maxConcurrentActivityFunctions: 0 }), 'maxConcurrentActivityFunctions must be 1 or more'],
    [
      durable({ storageProvider: { type: 'azureManaged' } }),
      'storageProvider.type "azureManaged" is not supported by the local host',
    ],
    [{ extensions: [] }, 'extensions must be a JSON object'],
  ])('%j is refused', (content, message) => {
    expect(() => read(content)).toThrow(message);
  });

  test('time spans', () => {
    expect(['00:00:01.5', '1:2:3', '1.00:00:00', '5', '00:60:00'].map(parseTimeSpan)).toEqual([
      1_500,
      3_723_000,
      86_400_000,
      undefined,
      undefined,
    ]);
  });
});
