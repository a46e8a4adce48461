import { startAzurite } from '../../local/azurite';
import type { TableLocation } from '../../src/lib/delta/log';
import { openAzureBlobStore } from '../../src/lib/storage/azureBlobStore';
import type { ObjectStore } from '../../src/lib/storage/objectStore';
import { Peer, storageOptions } from '../kit/peer';
import { startStorageProxy } from '../kit/storageProxy';

const container = 'interop';

/** One container of a running Azurite, for us through the SDK and for the peer through its own client. */
export interface SharedLake {
  readonly store: ObjectStore;
  readonly peer: Peer;
  readonly at: (table: string) => TableLocation;
  /** How the peer's client reaches the storage. */
  readonly options: Readonly<Record<string, string>>;
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
  const options = storageOptions(proxy.connectionString);
  const peers: Peer[] = [];
  const connectPeer = async () => {
    const peer = new Peer();
    peers.push(peer);
    await peer.call('connect', { storage_options: options });
    return peer;
  };
  return {
    store,
    peer: await connectPeer(),
    at: (table) => ({ store, table }),
    options,
    uri: (table) => `az://${container}/${table}`,
    connectPeer,
    async close() {
      for (const peer of peers) await peer.close();
      await proxy.close();
      await azurite.close();
    },
  };
}
