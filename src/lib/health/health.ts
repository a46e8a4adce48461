import { describeFailure, type ErrorCode, errorCodes } from '../errors';
import type { IngestFailure } from '../ingest/ingestFailure';
import type { Stream } from '../streams/stream';
import type { WarehouseHealth } from '../warehouse/streamLoaders';
import { ingestRemedy, marksRemedy, type Remedy, rebuildRemedy } from './remedies';

/** A failure that lasts this long counts as stuck: one failed attempt says little, the next one may go through. */
const stuckAfterMs = 5000;
/** A failure that lasts this long counts as stuck if the error may pass by itself. */
const stuckAfterTransientMs = 30_000;
/** No retry for this long: nobody reads the partition any more (retries come every minute). */
const staleAfterMs = 3_600_000;

/** degraded: something is late or unknown, but nobody has to act. failing: a partition is stuck. */
export type HealthStatus = 'ok' | 'degraded' | 'failing';

/** A partition whose batches fail. It has states and numbers but no messages, because anybody may read it. */
export interface PartitionFailure
  extends Pick<IngestFailure, 'partition' | 'code' | 'since' | 'lastFailure' | 'attempts'> {
  readonly remedy?: Remedy;
}

export interface StreamHealth {
  readonly stream: string;
  /** The stream's Delta table. */
  readonly table: string;
  readonly status: HealthStatus;
  readonly failures: readonly PartitionFailure[];
}

type LoadedTable = WarehouseHealth['tables'][number];

/** What GET /api/health answers. */
export interface Health {
  readonly status: HealthStatus;
  /** The code of the error for which the state of the streams is unknown; then `streams` is empty. */
  readonly error?: string;
  readonly streams: readonly StreamHealth[];
  readonly warehouse: Omit<WarehouseHealth, 'kind' | 'tables'> & {
    readonly kind: WarehouseHealth['kind'] | 'unknown';
    readonly tables: readonly (LoadedTable & { readonly remedy?: Remedy })[];
    readonly remedy?: Remedy;
  };
}

export interface HealthSources {
  readonly streams: readonly Stream[];
  /** The failures that the ingesting processes recorded. */
  readonly failures: () => Promise<readonly IngestFailure[]>;
  readonly warehouse: () => Promise<WarehouseHealth>;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** Never rejects: for a source that does not answer, the result has the code of the error. */
export async function composeHealth(sources: HealthSources): Promise<Health> {
  const [failures, warehouse] = await Promise.all([
    outcomeOf(sources.failures),
    outcomeOf(sources.warehouse),
  ]);
  const loaded = showWarehouse(warehouse);
  if ('error' in failures) {
    const { error } = failures;
    // With wrong settings no batch can be committed. But a lake that does not answer this process may answer others.
    const status = error === 'settings.invalid' ? 'failing' : 'degraded';
    return { status, error, streams: [], warehouse: loaded };
  }
  const now = sources.now?.() ?? Date.now();
  const streams = sources.streams.map((stream) => streamHealth(stream, failures.value, now));
  return { status: worst([...streams, loaded]), streams, warehouse: loaded };
}

type Outcome<T> = { readonly value: T } | { readonly error: ErrorCode | 'unknown' };

async function outcomeOf<T>(ask: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await ask() };
  } catch (error) {
    return { error: describeFailure(error).code };
  }
}

function showWarehouse(warehouse: Outcome<WarehouseHealth>): Health['warehouse'] {
  if ('error' in warehouse)
    return { kind: 'unknown', status: 'degraded', error: warehouse.error, tables: [] };
  const tables = warehouse.value.tables.map((table) =>
    table.needsRebuild ? { ...table, remedy: rebuildRemedy(table.table) } : table,
  );
  return { ...warehouse.value, tables, ...(warehouse.value.keepsMarks === false && { remedy: marksRemedy }) };
}

function streamHealth(
  { name, table }: Stream,
  failures: readonly IngestFailure[],
  now: number,
): StreamHealth {
  const judged = failures
    .filter(({ stream }) => stream === name)
    .sort((a, b) => Number(a.partition) - Number(b.partition))
    .map((failure) => judge(failure, ingestRemedy(failure, { name, table }), now));
  return { stream: name, table, status: worst(judged), failures: judged.map(({ shown }) => shown) };
}

function judge(failure: IngestFailure, remedy: Remedy | undefined, now: number) {
  const { partition, code, since, lastFailure, attempts } = failure;
  const limitMs = mayPass(code, remedy) ? stuckAfterTransientMs : stuckAfterMs;
  const isStuck = now - Date.parse(since) >= limitMs;
  const isRepeated = now - Date.parse(lastFailure) < staleAfterMs;
  const status: HealthStatus = isStuck && isRepeated ? 'failing' : 'degraded';
  const shown = { partition, code, since, lastFailure, attempts, ...(remedy && { remedy }) };
  return { status, shown };
}

/** Other people's errors may pass by themselves, and so may our retriable ones; errors that a command fixes do not. */
function mayPass(code: string, remedy: Remedy | undefined): boolean {
  const ours: Readonly<Record<string, { readonly retriable: boolean }>> = errorCodes;
  return !remedy && (ours[code]?.retriable ?? true);
}

function worst(parts: readonly { readonly status: HealthStatus }[]): HealthStatus {
  const found = new Set(parts.map(({ status }) => status));
  return found.has('failing') ? 'failing' : found.has('degraded') ? 'degraded' : 'ok';
}
