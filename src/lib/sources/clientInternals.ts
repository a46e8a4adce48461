import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';

/** A connection of the SDK. */
export interface Connection extends EventEmitter {
  readonly _connection?: { readonly socket?: Socket };
  open(options?: { readonly abortSignal?: AbortSignal }): Promise<unknown>;
}

/** What a client of the Event Hubs SDK keeps of its connection. */
interface ConnectionContext {
  readonly connection: Connection;
  /** Makes a new connection in the place of one that ended. */
  refreshConnection(): void;
}

/** What leads from a client of the SDK to its connection, which the SDK's typings leave out; undefined if a release has moved it. */
export const contextOf = (client: object): ConnectionContext | undefined =>
  (client as { readonly _context?: ConnectionContext })._context;
