import { partOf } from '../../connectionParts';
import type { StorageAccount } from '../../storage/azureBlobStore';

/** The address of a container for other programs, without its key and without a slash at the end. */
export function containerUrl(account: StorageAccount, container: string): string {
  const endpoint =
    'blobServiceUri' in account ? account.blobServiceUri : blobEndpoint(account.connectionString);
  return `${endpoint.replace(/\/+$/, '')}/${container}`;
}

function blobEndpoint(connectionString: string): string {
  const part = (name: string) => partOf(connectionString, name);
  const account = part('AccountName') ?? 'devstoreaccount1';
  if (/UseDevelopmentStorage=true/i.test(connectionString)) return `http://127.0.0.1:10000/${account}`;
  return (
    part('BlobEndpoint') ??
    `${part('DefaultEndpointsProtocol') ?? 'https'}://${account}.blob.${part('EndpointSuffix') ?? 'core.windows.net'}`
  );
}
