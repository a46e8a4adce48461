import { expect, it } from 'vitest';
import { isLocalAccount } from '../../../src/lib/storage/accountFacts';

it.each([
  [true, { connectionString: 'UseDevelopmentStorage=true' }],
  [
    true,
    {
      connectionString:
        'AccountName=a;AccountKey=c2VjcmV0;BlobEndpoint=http://127.0.0.1:10000/a;DefaultEndpointsProtocol=http',
    },
  ],
  [
    false,
    {
      connectionString:
        'DefaultEndpointsProtocol=https;AccountName=a;AccountKey=c2VjcmV0;EndpointSuffix=core.windows.net',
    },
  ],
  [false, { blobServiceUri: 'https://one.blob.core.windows.net' }],
])('it is %s that an account is an emulator on this machine: %j', async (expected, account) => {
  expect(await isLocalAccount(account)).toBe(expected);
});
