import type { BlobServiceClient } from '@azure/storage-blob';
import type { Binding } from './functionsCore';
import type { HostJson } from './hostJson';
import type { HostFunction, Invoker } from './invoke';
import type { Log } from './log';
import type { Settings } from './settings';

/** The host's services for a trigger of any kind. */
export interface TriggerHost {
  settings: Settings;
  hostJson: HostJson;
  invoker: Invoker;
  log: Log;
  /** The app's name in shared storage, by which hosts of one app share their timers. */
  hostId: string;
  /** This process's name among the hosts of the app, if it has one. A host that restarts under it gets its leases back. */
  instance: string | undefined;
  /** The host's own storage. Throws if its setting is missing. */
  storage(): BlobServiceClient;
}

export interface TriggerOptions {
  fn: HostFunction;
  name: string;
  binding: Binding;
}

/** A trigger. Creating it reads and checks its options; `start` begins to invoke the function. */
export interface Trigger {
  start(): Promise<void>;
  /** Begins no more work. Resolves when the function is no longer running. */
  drain(): Promise<void>;
  /** Releases leases and partitions. It is called after `drain`, or when the time for draining is over. */
  close(): Promise<void>;
  /** Runs the function once for the admin endpoint; undefined if the trigger cannot be run by hand. */
  runNow?(): Promise<unknown>;
  /** The trigger's part of the status endpoint's answer. */
  status?(): Record<string, unknown>;
}

export type TriggerKind = (host: TriggerHost, options: TriggerOptions) => Trigger;

/** The name of the trigger's binding, under which the function gets its input. */
export function findBindingName({ fn, binding }: TriggerOptions): string {
  const found = Object.entries(fn.metadata.bindings).find(([, one]) => one === binding);
  return found?.[0] ?? '';
}
