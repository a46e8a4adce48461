import { isThisMachine } from '../sameMachine';
import { openContainer, type StorageAccount } from './azureBlobStore';
import { callStorage, statusOf } from './callStorage';

/** What a storage account says of itself. */
export interface AccountFacts {
  readonly account: string;
  /** Whether it is an emulator on this machine. */
  readonly isLocal: boolean;
  readonly hasContainer: boolean;
  /** Whether its blobs are in folders, as in ADLS Gen2; undefined if it does not tell this login. */
  readonly hasHierarchy: boolean | undefined;
  /** Its clock less this machine's, in milliseconds; undefined if it does not tell this login. */
  readonly aheadMs: number | undefined;
}

/** Whether an account is an emulator on this machine. Sends no request. */
export const isLocalAccount = async (account: StorageAccount): Promise<boolean> =>
  isLocal(await openContainer(account, 'any'));

const isLocal = ({ url }: { readonly url: string }): boolean => isThisMachine(new URL(url).hostname);

/**
 * Asks a storage account about itself and a container, and changes nothing.
 * @throws `storage.unavailable`, `storage.refused`
 */
export async function readAccountFacts(account: StorageAccount, container: string): Promise<AccountFacts> {
  const client = await openContainer(account, container);
  const what = (question: string) => `${client.accountName}: ${question}`;
  const hasContainer = await callStorage(what(`look for the container ${container}`), (abortSignal) =>
    client.exists({ abortSignal }),
  );
  // Some logins may use a container and may not ask about the account.
  const info = await callStorage(what('ask about the account'), (abortSignal) =>
    client.getAccountInfo({ abortSignal }),
  ).catch((error: unknown) => {
    if (statusOf(error) === undefined && statusOf((error as Error).cause) === undefined) throw error;
    return undefined;
  });
  return {
    account: client.accountName,
    isLocal: isLocal(client),
    hasContainer,
    hasHierarchy: info?.isHierarchicalNamespaceEnabled,
    aheadMs: info?.date && info.date.getTime() - Date.now(),
  };
}
