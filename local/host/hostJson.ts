import { existsSync, readFileSync } from 'node:fs';
import { parseTimeSpan } from '../../src/lib/duration';
import { asObject, parseJsonObject } from '../../src/lib/jsonObject';
import { type DurableTaskOptions, readDurableTaskOptions } from '../durable/durableTaskOptions';
import { type LogLevel, parseLogLevel } from './log';
import type { Settings } from './settings';

/** The part of host.json that this host supports, with the real host's defaults. Times are in milliseconds. */
export interface HostJson {
  routePrefix: string;
  /** Undefined if there is no limit. */
  functionTimeoutMs: number | undefined;
  logLevel: LogLevel;
  eventHubs: EventHubsOptions;
  durableTask: DurableTaskOptions;
}

export interface EventHubsOptions {
  maxEventBatchSize: number;
  minEventBatchSize: number;
  maxWaitTimeMs: number;
  prefetchCount: number;
  /** The most bytes of the bodies of one batch; a single event is always taken. Undefined if there is no limit. */
  prefetchSizeInBytes: number | undefined;
  batchCheckpointFrequency: number;
  initialOffset: 'fromStart' | 'fromEnd' | { enqueuedTime: Date };
}

/** App settings with this prefix override values in host.json. This host only uses those of the Event Hubs extension. */
const overridePrefix = 'AzureFunctionsJobHost__extensions__eventHubs__';
const logLevelSetting = 'AzureFunctionsJobHost__logging__logLevel__default';

/** The keys in host.json whose values settings may replace. */
const eventHubsKeys = [
  ...['maxEventBatchSize', 'minEventBatchSize', 'maxWaitTime', 'batchCheckpointFrequency'],
  ...['prefetchCount', 'prefetchSizeInBytes'],
];

function readLogLevel(root: Record<string, unknown>, settings: Settings): LogLevel {
  const own = settings[logLevelSetting];
  const level = own ?? section(section(root, 'logging'), 'logLevel').default ?? 'Information';
  const logLevel = parseLogLevel(String(level));
  const place = own === undefined ? 'host.json: logging.logLevel.default' : logLevelSetting;
  if (logLevel === undefined) throw new Error(`${place} cannot be "${level}".`);
  return logLevel;
}

/**
 * Reads host.json, and the settings that override its values. Throws if the file is missing, or naming the key if the host does not accept
 * a value.
 */
export function readHostJson(path: string, settings: Settings = {}): HostJson {
  if (!existsSync(path)) throw new Error(`${path} does not exist: it is not the folder of a Functions app.`);
  const root = parseJsonObject(readFileSync(path, 'utf8'), path);
  const extensions = section(root, 'extensions');
  const eventHubs = { ...section(extensions, 'eventHubs'), ...overrides(settings) };
  const timeout = root.functionTimeout ?? '00:30:00';
  const logLevel = readLogLevel(root, settings);
  const options: EventHubsOptions = {
    maxEventBatchSize: count(eventHubs, 'maxEventBatchSize', 100),
    minEventBatchSize: count(eventHubs, 'minEventBatchSize', 1),
    maxWaitTimeMs: timeSpan(eventHubs.maxWaitTime ?? '00:01:00', 'extensions.eventHubs.maxWaitTime'),
    prefetchCount: count(eventHubs, 'prefetchCount', 300),
    prefetchSizeInBytes:
      eventHubs.prefetchSizeInBytes === undefined ? undefined : count(eventHubs, 'prefetchSizeInBytes', 1),
    batchCheckpointFrequency: count(eventHubs, 'batchCheckpointFrequency', 1),
    initialOffset: readInitialOffset(section(eventHubs, 'initialOffsetOptions')),
  };
  if (options.minEventBatchSize > options.maxEventBatchSize) {
    throw new Error('host.json: extensions.eventHubs.minEventBatchSize must not exceed maxEventBatchSize.');
  }
  return {
    routePrefix: String(section(extensions, 'http').routePrefix ?? 'api').replace(/^\/+|\/+$/g, ''),
    functionTimeoutMs: timeout === '-1' ? undefined : timeSpan(timeout, 'functionTimeout'),
    logLevel,
    eventHubs: options,
    durableTask: readDurableTaskOptions(section(extensions, 'durableTask')),
  };
}

/** The values that settings give, by their keys in host.json. A setting's name may be in upper or lower case, as in Azure. */
function overrides(settings: Settings): Record<string, string> {
  const keyOf = new Map(eventHubsKeys.map((key) => [`${overridePrefix}${key}`.toLowerCase(), key]));
  return Object.fromEntries(
    Object.entries(settings).flatMap(([name, value = '']) => {
      const key = keyOf.get(name.toLowerCase());
      return key === undefined ? [] : [[key, value]];
    }),
  );
}

function readInitialOffset(options: Record<string, unknown>): EventHubsOptions['initialOffset'] {
  const type = String(options.type ?? 'fromStart').toLowerCase();
  if (type === 'fromstart') return 'fromStart';
  if (type === 'fromend') return 'fromEnd';
  const enqueuedTime = new Date(String(options.enqueuedTimeUtc));
  if (type === 'fromenqueuedtime' && !Number.isNaN(enqueuedTime.getTime())) return { enqueuedTime };
  throw new Error(
    'host.json: extensions.eventHubs.initialOffsetOptions must have type fromStart, fromEnd, or fromEnqueuedTime with enqueuedTimeUtc (ISO 8601).',
  );
}

function section(parent: Record<string, unknown>, key: string): Record<string, unknown> {
  return asObject(parent[key] ?? {}, `host.json: ${key}`);
}

function count(parent: Record<string, unknown>, key: string, fallback: number): number {
  const value = Number(parent[key] ?? fallback);
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`host.json: extensions.eventHubs.${key} must be 1 or more.`);
  return value;
}

function timeSpan(value: unknown, key: string): number {
  const milliseconds = typeof value === 'string' ? parseTimeSpan(value) : undefined;
  if (!milliseconds) throw new Error(`host.json: ${key} must be a time span such as "00:05:00".`);
  return milliseconds;
}
