import { isThisMachine } from '../sameMachine';
import { openContainer, type StorageAccount } from './azureBlobStore';
import { callStorage, statusOf } from './callStorage';

/** Facts that a storage account tells about itself. */
export interface AccountFacts {
  readonly account: string;
  /** True for an emulator on this machine. */
  readonly isLocal: boolean;
  readonly hasContainer: boolean;
  /** Whether its blobs are in folders, as in ADLS Gen2. Undefined if this login may not ask. */
  readonly hasHierarchy: boolean | undefined;
  /** How far its clock is ahead of this machine's, in milliseconds. Undefined if this login may not ask. */
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
  // Some logins may use a container, but may not ask about the account.
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
