import { describe, expect, it } from 'vitest';
import { parseSettings } from '../../../src/lib/settings';

const others = { CONSUMER_GROUP: 'tributary' };
const lakeKey = 'DefaultEndpointsProtocol=https;AccountName=contoso;AccountKey=c2VjcmV0';
const uri = 'https://contoso.blob.core.windows.net';

describe.each([
  ['LakeStorage', (environment: Record<string, string>) => parseSettings(environment).lake],
  [
    'AzureWebJobsStorage',
    (environment: Record<string, string>) =>
      parseSettings({ LakeStorage: lakeKey, ...environment }).hostStorage(),
  ],
])('the storage account in %s', (name, readAccount) => {
  const read = (settings: Record<string, string>) =>
    readAccount({
      ...others,
      ...Object.fromEntries(Object.entries(settings).map(([end, value]) => [`${name}${end}`, value])),
    });

  it.each(['UseDevelopmentStorage=true', lakeKey, 'BlobEndpoint=https://x;SharedAccessSignature=sig'])(
    'is reached by a connection string: %s',
    (connectionString) => {
      expect(read({ '': connectionString })).toEqual({ connectionString });
    },
  );

  it('is reached by its blob endpoint or its name, with an identity', () => {
    expect(read({ __blobServiceUri: uri })).toEqual({ blobServiceUri: uri });
    expect(read({ __accountName: 'contoso', __credential: 'managedidentity', __clientId: 'id' })).toEqual({
      blobServiceUri: uri,
      credential: 'managedidentity',
      clientId: 'id',
    });
  });

  it.each([
    [{}, `${name} is missing: expected a storage connection string`],
    [
      { '': 'AccountName=contoso;SharedAccessSignature=sig' },
      `${name} is malformed: expected a storage connection string`,
    ],
    [{ '': 'AccountKey=c2VjcmV0' }, `${name} is malformed: expected a storage connection string`],
    [
      { '': `${lakeKey};BlobEndpoint=https://contoso.dfs.core.windows.net` },
      `${name} has the dfs endpoint as its BlobEndpoint: expected BlobEndpoint=https://<account>.blob`,
    ],
    [{ '': lakeKey, __accountName: 'contoso' }, `${name} and ${name}__accountName are both set`],
    [{ __blobServiceUri: 'x' }, `${name}__blobServiceUri is malformed: expected https://<account>.blob`],
    [
      { __blobServiceUri: 'https://contoso.dfs.core.windows.net' },
      `${name}__blobServiceUri is the dfs endpoint, not the blob endpoint: expected https://<account>.blob`,
    ],
    [{ __blobServiceUri: `${uri}?sv=1&sig=c2VjcmV0` }, `${name}__blobServiceUri has a query in its address`],
    [{ __blobServiceUri: 'https://a:b@contoso' }, `${name}__blobServiceUri is malformed`],
    [
      { '': `BlobEndpoint=${uri}/?sv=1;SharedAccessSignature=sig` },
      `${name} has a query in its address, like a SAS: expected https://<account>.blob`,
    ],
    [{ __accountName: 'https://contoso' }, `${name}__accountName is malformed`],
    [{ __clientId: 'id' }, `${name}__blobServiceUri is missing`],
    [
      { __blobServiceUri: uri, __credential: 'key' },
      `${name}__credential is not supported: expected managedidentity`,
    ],
  ])('is refused: %j', (settings, problem) => {
    expect(() => read(settings)).toThrow(`- ${problem}`);
  });
});
