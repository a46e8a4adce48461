import { TributaryError } from '../errors';
import { ofLaptop } from './finding';

export interface RefusedStorage {
  /** The role that the identity needs on the account. */
  readonly role: string;
  /** The setting that names the connection. */
  readonly setting: string;
  /** True for an emulator on this machine, where no command of Azure helps. */
  readonly isLocal: boolean;
}

/**
 * The remedy if a storage account refuses, by the code of its answer
 * (https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes). Undefined if the code tells no more than the message.
 */
export function remedyOfRefusal(
  error: unknown,
  { role, setting, isLocal }: RefusedStorage,
): string | undefined {
  const { cause } = (error ?? {}) as { cause?: { code?: unknown; message?: unknown } };
  // For a wrong key, Azurite has another code than Azure, but the same words.
  const isKeyWrong = /failed to authenticate the request/.test(String(cause?.message));
  if (isLocal) {
    if (!(error instanceof TributaryError) || error.code !== 'storage.refused') return undefined;
    const why = isKeyWrong ? 'the key is wrong: ' : '';
    return `${why}set ${setting} to a connection string that the emulator accepts${ofLaptop}`;
  }
  switch (isKeyWrong ? 'AuthenticationFailed' : cause?.code) {
    case 'AuthorizationPermissionMismatch':
      return `give the identity the role "${role}" on the account: az role assignment create --role "${role}" --assignee IDENTITY --scope ACCOUNT_ID; it takes up to ten minutes`;
    case 'AuthorizationFailure':
      return 'if the account has a firewall, let this machine in: az storage account network-rule add --resource-group GROUP --account-name ACCOUNT --ip-address ADDRESS; if the setting has a shared access signature, it must allow what was tried';
    case 'KeyBasedAuthenticationNotPermitted':
      return `the account takes no keys: replace the connection string by the settings for an identity, such as ${setting}__accountName (docs/settings.md)`;
    case 'AuthenticationFailed':
      return 'the key is wrong, was rotated or has expired: az storage account show-connection-string --resource-group GROUP --name ACCOUNT tells the one of now';
    default:
      return undefined;
  }
}
