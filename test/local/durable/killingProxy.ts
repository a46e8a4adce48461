import { createServer } from 'node:http';
import { listenOnLoopback } from '../../../src/lib/sameMachine';
import { closeServer, passOn } from '../../kit/passOn';

export interface KillingProxy {
  readonly connectionString: string;
  /** Writes since the last plan. */
  readonly writes: number;
  /** Kills at a write, counted from 1 on: before the storage gets it, or after, before its answer is passed on. */
  plan(write: number, when: 'before' | 'after', kill: () => void): void;
  close(): Promise<void>;
}

/**
 * Starts a proxy before the storage emulator that kills a host when it writes.
 * @param counted the addresses whose writes count; by default those of instances of the task hub
 */
export async function startKillingProxy(
  azurite: { blobPort: number; connectionString: string },
  counted = /-instances\/instances\//,
): Promise<KillingProxy> {
  let writes = 0;
  let planned: { write: number; when: 'before' | 'after'; kill: () => void } | undefined;
  const server = createServer((incoming, outgoing) => {
    const isWrite = incoming.method === 'PUT' && counted.test(incoming.url ?? '');
    if (isWrite) writes += 1;
    const now = isWrite && writes === planned?.write ? planned : undefined;
    const kill = () => {
      now?.kill();
      outgoing.destroy();
    };
    if (now?.when === 'before') kill();
    // A host that is killed afterwards gets no answer.
    else passOn(incoming, outgoing, { port: azurite.blobPort }, now && kill);
  });
  const port = await listenOnLoopback(server);
  return {
    connectionString: azurite.connectionString.replace(`:${azurite.blobPort}/`, `:${port}/`),
    get writes() {
      return writes;
    },
    plan: (write, when, kill) => {
      writes = 0;
      planned = { write, when, kill };
    },
    close: () => closeServer(server),
  };
}
