import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../local/broker/config';

const withEntities = (...entities: unknown[]): unknown => ({
  UserConfig: { NamespaceConfig: [{ Type: 'EventHub', Name: 'emulatorNs1', Entities: entities }] },
});

describe('parseConfig', () => {
  it('reads the configuration that the broker ships', () => {
    const text = readFileSync(join(process.cwd(), 'local/broker/config.json'), 'utf8');
    expect(parseConfig(text)).toEqual({
      namespace: 'emulatorNs1',
      hubs: [{ name: 'clickstream', partitionCount: 4, consumerGroups: ['tributary'] }],
    });
  });

  it('takes partition counts as numbers and as text, and hubs without consumer groups', () => {
    const { hubs } = parseConfig(
      withEntities(
        { Name: 'a', PartitionCount: 2 },
        { Name: 'b', PartitionCount: '32', ConsumerGroups: [{ Name: '$default' }] },
      ),
    );
    expect(hubs).toEqual([
      { name: 'a', partitionCount: 2, consumerGroups: [] },
      { name: 'b', partitionCount: 32, consumerGroups: [] },
    ]);
  });

  it.each([
    ['{', /the file is not JSON/],
    ['[]', /the file must be an object/],
    [{}, /UserConfig must be an object, found nothing/],
    [{ UserConfig: { NamespaceConfig: [] } }, /exactly one namespace, found 0/],
    [
      { UserConfig: { NamespaceConfig: [{ Type: 'ServiceBus' }] } },
      /Type must be "EventHub", found "ServiceBus"/,
    ],
    [withEntities({ Name: '../etc', PartitionCount: 1 }), /Entities\[0\]\.Name must be a name/],
    [
      withEntities({ Name: 'a', PartitionCount: 0 }),
      /Entities\[0\]\.PartitionCount must be a whole number from 1 to 32, found 0/,
    ],
    [withEntities({ Name: 'a', PartitionCount: '33' }), /from 1 to 32, found "33"/],
    [
      withEntities({ Name: 'a', PartitionCount: 1 }, { Name: 'A', PartitionCount: 1 }),
      /names the hub "A" twice/,
    ],
    [
      withEntities({ Name: 'a', PartitionCount: 1, ConsumerGroups: [{}] }),
      /ConsumerGroups\[0\]\.Name must be a name/,
    ],
  ])('refuses %j, saying what is wrong', (source, message) => {
    expect(() => parseConfig(source)).toThrow(message);
  });
});
