import { startAzurite } from '../../local/azurite';
import type { TableLocation } from '../../src/lib/delta/log';
import { openAzureBlobStore } from '../../src/lib/storage/azureBlobStore';
import type { ObjectStore } from '../../src/lib/storage/objectStore';
import { Peer } from './peer';
import { startStorageProxy } from './storageProxy';

const container = 'interop';

/** One container of a running Azurite, for us through the SDK and for the peer through its own client. */
export interface SharedLake {
  readonly store: ObjectStore;
  readonly peer: Peer;
  readonly at: (table: string) => TableLocation;
  /** The peer's address of a table. */
  readonly uri: (table: string) => string;
  /** More peers on the same container, for writers side by side. */
  connectPeer(): Promise<Peer>;
  close(): Promise<void>;
}

export async function openSharedLake(): Promise<SharedLake> {
  const azurite = await startAzurite();
  const store = await openAzureBlobStore({ connectionString: azurite.connectionString }, container);
  await store.put('.made', new Uint8Array(0));
  const proxy = await startStorageProxy(azurite.connectionString);
  const peers: Peer[] = [];
  const connectPeer = async () => {
    const peer = new Peer();
    peers.push(peer);
    await peer.call('connect', { storage_options: storageOptions(proxy.connectionString) });
    return peer;
  };
  return {
    store,
    peer: await connectPeer(),
    at: (table) => ({ store, table }),
    uri: (table) => `az://${container}/${table}`,
    connectPeer,
    async close() {
      for (const peer of peers) await peer.close();
      await proxy.close();
      await azurite.close();
    },
  };
}

/** How delta-rs is told of an account. Not azure_storage_use_emulator, which knows only the default port. */
export function storageOptions(connectionString: string): Record<string, string> {
  const part = (name: string) => new RegExp(`${name}=([^;]+)`).exec(connectionString)?.[1] ?? '';
  return {
    azure_storage_account_name: part('AccountName'),
    azure_storage_account_key: part('AccountKey'),
    azure_storage_endpoint: part('BlobEndpoint'),
    azure_allow_http: 'true',
  };
}
