import { describe, expect, it } from 'vitest';
import { containerUrl } from '../../../../src/lib/warehouse/synapse/lakeUrl';

describe('the address of a container, as the SQL pool sees it', () => {
  it.each([
    ['https://contoso.blob.core.windows.net'],
    ['https://contoso.blob.core.windows.net/'],
    ['https://contoso.blob.core.windows.net///'],
  ])('follows on the endpoint of the account: %s', (blobServiceUri) => {
    expect(containerUrl({ blobServiceUri }, 'lake')).toBe('https://contoso.blob.core.windows.net/lake');
  });

  it.each([
    [
      'the account and the usual cloud',
      'AccountName=contoso;AccountKey=c2VjcmV0',
      'https://contoso.blob.core.windows.net/lake',
    ],
    [
      'protocol and suffix, in any case and with blanks',
      'defaultendpointsprotocol=http; accountname=contoso; AccountKey=c2VjcmV0; EndpointSuffix=core.usgovcloudapi.net',
      'http://contoso.blob.core.usgovcloudapi.net/lake',
    ],
    [
      'the endpoint that is named',
      'AccountName=contoso;AccountKey=c2VjcmV0;BlobEndpoint=https://lake.contoso.com/;QueueEndpoint=https://x',
      'https://lake.contoso.com/lake',
    ],
    ['the emulator', 'UseDevelopmentStorage=true', 'http://127.0.0.1:10000/devstoreaccount1/lake'],
    [
      'another account of the emulator',
      'AccountName=mine;UseDevelopmentStorage=true',
      'http://127.0.0.1:10000/mine/lake',
    ],
  ])('comes from a connection string: %s', (_what, connectionString, url) => {
    expect(containerUrl({ connectionString }, 'lake')).toBe(url);
  });

  it('never has the key in it', () => {
    const connectionString = 'AccountKey=c2VjcmV0;AccountName=contoso';
    expect(containerUrl({ connectionString }, 'lake')).not.toContain('c2VjcmV0');
  });
});
