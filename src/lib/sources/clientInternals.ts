import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';

/** A connection of the SDK. */
export interface Connection extends EventEmitter {
  readonly _connection?: { readonly socket?: Socket };
  open(options?: { readonly abortSignal?: AbortSignal }): Promise<unknown>;
}

/** The part of a client of the Event Hubs SDK that has its connection. */
interface ConnectionContext {
  readonly connection: Connection;
  /** Makes a new connection after one has ended. */
  refreshConnection(): void;
}

/**
 * The member of a client of the SDK through which its connection is reached. The SDK's types do not have it. Undefined if a release has
 * moved it.
 */
export const contextOf = (client: object): ConnectionContext | undefined =>
  (client as { readonly _context?: ConnectionContext })._context;
