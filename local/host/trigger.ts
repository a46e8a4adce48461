import type { BlobServiceClient } from '@azure/storage-blob';
import type { Binding } from './functionsCore';
import type { HostJson } from './hostJson';
import type { HostFunction, Invoker } from './invoke';
import type { Log } from './log';
import type { Settings } from './settings';

/** What every trigger kind gets. */
export interface TriggerHost {
  settings: Settings;
  hostJson: HostJson;
  invoker: Invoker;
  log: Log;
  /** Names this app in shared storage: hosts of one app share their timers. */
  hostId: string;
  /** Names this process among the hosts of the app, if a name was given; with it a restarted host takes its own back. */
  instance: string | undefined;
  /** The host's own storage; throws when its setting is missing. */
  storage(): BlobServiceClient;
}

export interface TriggerOptions {
  fn: HostFunction;
  name: string;
  binding: Binding;
}

/** A trigger that listens. Making one reads and checks its options; start begins to invoke the function. */
export interface Trigger {
  start(): Promise<void>;
  /** Takes on no new work and resolves when nothing of it is running. */
  drain(): Promise<void>;
  /** Releases what it holds; comes after drain or after the time for draining is over. */
  close(): Promise<void>;
  /** Runs the function once by hand, as the admin endpoint asks; undefined where that makes no sense. */
  runNow?(): Promise<unknown>;
  /** For the status endpoint. */
  status?(): Record<string, unknown>;
}

export type TriggerKind = (host: TriggerHost, options: TriggerOptions) => Trigger;

/** The key of the trigger's binding, under which its input is handed over. */
export function findBindingName({ fn, binding }: TriggerOptions): string {
  const found = Object.entries(fn.metadata.bindings).find(([, one]) => one === binding);
  return found?.[0] ?? '';
}
