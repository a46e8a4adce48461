import { partOf } from '../connectionParts';
import type { SettingReader } from '../settingReader';
import type { StorageAccount } from '../storage/azureBlobStore';
import { mistakeInParts, readForm, readIdentity } from './forms';

const connectionStringForm =
  'a storage connection string with AccountName and AccountKey, or with BlobEndpoint and SharedAccessSignature';
const uriForm = 'https://<account>.blob.core.windows.net';
/** The endpoint of a lake's files and folders, which answers other requests than the blob endpoint. */
const dfsEndpoint = /^https:\/\/[^/.]+\.dfs\./i;

/** Reads how to reach a storage account, from the connection of this name. */
export function readStorage(reader: SettingReader, name: string): StorageAccount {
  const [uriSetting, accountSetting] = [`${name}__blobServiceUri`, `${name}__accountName`] as const;
  if (readForm(reader, name, [uriSetting, accountSetting]) === 'identity') {
    const uri = reader.value(uriSetting);
    const account = reader.value(accountSetting);
    const blobServiceUri = uri ?? `https://${account}.blob.core.windows.net`;
    if (uri === undefined && account === undefined) reader.wrong(uriSetting, 'is missing', uriForm);
    else if (uri === undefined) checkAccountName(reader, accountSetting);
    else if (uri.includes('?')) reader.problem(`${uriSetting} ${withSas(name)}.`);
    else if (!/^https:\/\/[^/@#\s]+\/?$/.test(uri)) reader.wrong(uriSetting, 'is malformed', uriForm);
    else if (dfsEndpoint.test(uri))
      reader.wrong(uriSetting, 'is the dfs endpoint, not the blob endpoint', uriForm);
    return { blobServiceUri, ...readIdentity(reader, name) };
  }
  const connectionString = reader.value(name) ?? '';
  const complete =
    connectionString === 'UseDevelopmentStorage=true' ||
    (partOf(connectionString, 'AccountName') && partOf(connectionString, 'AccountKey')) ||
    (partOf(connectionString, 'BlobEndpoint') && partOf(connectionString, 'SharedAccessSignature'));
  const blobEndpoint = partOf(connectionString, 'BlobEndpoint') ?? '';
  const mistake = mistakeInParts(connectionString);
  if (mistake) reader.problem(`${name} ${mistake}.`);
  else if (blobEndpoint.includes('?')) reader.problem(`${name} ${withSas(name)}.`);
  else if (!complete)
    reader.wrong(name, connectionString === '' ? 'is missing' : 'is malformed', connectionStringForm);
  else if (dfsEndpoint.test(blobEndpoint))
    reader.wrong(name, 'has the dfs endpoint as its BlobEndpoint', `BlobEndpoint=${uriForm}`);
  return { connectionString };
}

/**
 * Says that an address has a query, such as a SAS, and where the SAS belongs. A query would go in front of the name of each container and
 * blob.
 */
const withSas = (name: string): string =>
  `has a query in its address, like a SAS: expected ${uriForm} alone; a SAS goes into ${name}=BlobEndpoint=${uriForm};SharedAccessSignature=<SAS>`;

function checkAccountName(reader: SettingReader, setting: string): void {
  if (!/^[a-z0-9]{3,24}$/.test(reader.value(setting) ?? ''))
    reader.wrong(setting, 'is malformed', 'the name of a storage account');
}
