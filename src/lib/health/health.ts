import type { TableState } from '../delta/state';
import { hourMs } from '../duration';
import { type ErrorCode, errorCodes } from '../errors';
import type { IngestFailure } from '../ingest/ingestFailure';
import { deadLettersTable } from '../lake/deadLetters';
import type { HubHeads } from '../lake/hubHeads';
import type { Stream } from '../streams/stream';
import type { Outcome } from './recent';
import { ingestRemedy, type Remedy, resetRemedy, stuckRemedy } from './remedies';
import {
  isCaughtUpSince,
  isMadeAgain,
  type PartitionProgress,
  partitionProgress,
  tableProgress,
} from './streamProgress';
import { type StuckPartitions, stuckAfterMs as silentAfterMs } from './stuckPartitions';
import type { WarehouseHealth } from './warehouseHealth';

/** A failure counts as stuck after this time, in milliseconds. A single failed attempt says little, because the next one may succeed. */
const stuckAfterMs = 5000;
/** A failure whose error may pass by itself counts as stuck after this time, in milliseconds. */
const stuckAfterTransientMs = 30_000;
/** If there was no retry for this long, nobody reads the partition any more. Retries come every minute. */
const staleAfterMs = hourMs;
/** A lake that has not answered this process for this long is most likely unreachable for all processes. */
const awayAfterMs = 120_000;

/**
 * `degraded`: something is late or unknown, but events are still committed. `failing`: a partition is stuck, a table cannot be read for a
 * reason that will not pass, or the settings are wrong.
 */
export type HealthStatus = 'ok' | 'degraded' | 'failing';

/** A partition whose batches fail. Anybody may read this, so of all texts only a table's refusal is in it. */
export interface PartitionFailure
  extends Pick<IngestFailure, 'code' | 'refusal' | 'since' | 'lastFailure' | 'attempts'> {
  /** The partition's id. */
  readonly partition: string;
  readonly remedy?: Remedy;
}

/** Why a part of the health is unknown. */
export interface Problem {
  readonly source: 'table' | 'hub' | 'deadLetters';
  readonly code: string;
  /** If a table is refused: what it needs, and the statement that turns that off. */
  readonly refusal?: string;
  readonly remedy?: Remedy;
}

export interface StreamHealth {
  readonly stream: string;
  /** The stream's Delta table. */
  readonly table: string;
  readonly status: HealthStatus;
  /** ISO time of the newest commit; null if unknown, or if there is none. */
  readonly lastCommit: string | null;
  /** The number of committed events; null if the table cannot be read. */
  readonly eventsCommitted: number | null;
  /** The number of events in the hub that are not committed; null if the hub or the table does not answer. */
  readonly waiting: number | null;
  /** The dead letters of the last hour; null if their table cannot be read. */
  readonly lettersLastHour: number | null;
  readonly problems: readonly Problem[];
  /** Empty if the hub or the table does not answer. */
  readonly partitions: readonly (PartitionProgress & { readonly remedy?: Remedy })[];
  readonly failures: readonly PartitionFailure[];
}

/** The answer of GET /api/health. */
export interface Health {
  readonly status: HealthStatus;
  /** The code of an error that keeps the state of all streams unknown; then `streams` is empty. */
  readonly error?: string;
  readonly streams: readonly StreamHealth[];
  readonly warehouse: WarehouseHealth;
}

export interface StreamSources {
  readonly stream: Stream;
  /** The newest version of the stream's Delta table; undefined if there is none yet. */
  readonly table: () => Promise<Outcome<TableState | undefined>>;
  readonly hub: () => Promise<Outcome<HubHeads>>;
  readonly stuck: StuckPartitions;
}

/** The sources of the parts of the health. Use the same object for all calls, because it remembers what it has seen. */
export interface HealthSources {
  readonly streams: readonly StreamSources[];
  /** The failures that the processes which ingest have recorded. */
  readonly failures: () => Promise<Outcome<readonly IngestFailure[]>>;
  /** How many dead letters each stream received within the last hour. */
  readonly letters: () => Promise<Outcome<ReadonlyMap<string, number>>>;
  readonly warehouse: () => Promise<Outcome<WarehouseHealth>>;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** Puts the health together. If a source does not answer, the health has the code of its error. */
export async function composeHealth(sources: HealthSources): Promise<Health> {
  const [failures, letters, warehouse, streams] = await Promise.all([
    sources.failures(),
    sources.letters(),
    sources.warehouse().then(showWarehouse),
    Promise.all(
      sources.streams.map(async (each) => {
        const [table, hub] = await Promise.all([each.table(), each.hub()]);
        return { ...each, table, hub };
      }),
    ),
  ]);
  if ('error' in failures) {
    const { error, forMs = 0 } = failures;
    // With wrong settings no batch can be committed. But a lake that does not answer this process may answer others.
    const status = error === 'settings.invalid' || forMs >= awayAfterMs ? 'failing' : 'degraded';
    return { status, error, streams: [], warehouse };
  }
  const now = sources.now?.() ?? Date.now();
  const shown = streams.map((each) => streamHealth(each, failures.value, letters, now));
  return { status: worst([...shown, warehouse]), streams: shown, warehouse };
}

/** The failures recorded in the lake, together with failures of this process that could not be recorded. */
export function withFailuresHere(
  recorded: Outcome<readonly IngestFailure[]>,
  here: readonly IngestFailure[],
): Outcome<readonly IngestFailure[]> {
  if ('error' in recorded) return recorded;
  const isHere = ({ stream, partitionId }: IngestFailure) =>
    here.some((failure) => failure.stream === stream && failure.partitionId === partitionId);
  return { value: [...recorded.value.filter((failure) => !isHere(failure)), ...here] };
}

const showWarehouse = (outcome: Outcome<WarehouseHealth>): WarehouseHealth =>
  'error' in outcome
    ? { kind: 'unknown', status: 'degraded', error: outcome.error, tables: [] }
    : outcome.value;

interface StreamFacts {
  readonly stream: Stream;
  readonly table: Outcome<TableState | undefined>;
  readonly hub: Outcome<HubHeads>;
  readonly stuck: StuckPartitions;
}

function streamHealth(
  { stream, table, hub, stuck }: StreamFacts,
  recorded: readonly IngestFailure[],
  letters: Outcome<ReadonlyMap<string, number>>,
  now: number,
): StreamHealth {
  const failures = recorded.filter(
    (failure) => failure.stream === stream.name && !isOver(failure, table, hub),
  );
  const judged = failures
    .sort((a, b) => Number(a.partitionId) - Number(b.partitionId))
    .map((failure) => judge(failure, ingestRemedy(failure, stream), now));
  const problems = problemsOf(stream, { table, hub, letters });
  const isKnown = 'value' in table && 'value' in hub;
  const partitions = isKnown
    ? withRemedies(partitionProgress(table.value, hub.value, stuck), failingNow(failures, now), {
        stream: stream.name,
        isAnew: isMadeAgain(table.value, hub.value.generation),
      })
    : [];
  const { lastCommit, eventsCommitted } =
    'value' in table ? tableProgress(table.value) : { lastCommit: null, eventsCommitted: null };
  return {
    stream: stream.name,
    table: stream.table,
    status: worst([
      ...judged,
      ...problems,
      ...partitions.map(({ stuckSince }): Judged => ({ status: stuckSince ? 'failing' : 'ok' })),
    ]),
    lastCommit,
    eventsCommitted,
    waiting: isKnown ? partitions.reduce((sum, { waiting }) => sum + waiting, 0) : null,
    lettersLastHour: 'value' in letters ? (letters.value.get(stream.name) ?? 0) : null,
    problems: problems.map(({ shown }) => shown),
    partitions,
    failures: judged.map(({ shown }) => shown),
  };
}

interface Judged {
  readonly status: HealthStatus;
}

/**
 * The reasons why numbers of a stream are unknown. A damaged table takes no commits, so the stream is failing. A source that does not
 * answer may answer the next time, or may answer other processes, so then the stream is only degraded.
 */
function problemsOf(
  stream: Stream,
  outcomes: { readonly [source in 'table' | 'hub' | 'letters']: Outcome<unknown> },
): (Judged & { readonly shown: Problem })[] {
  const problem = (source: Problem['source'], outcome: Outcome<unknown>, table: string) => {
    if ('value' in outcome) return [];
    const { error: code, refusal } = outcome;
    const remedy = ingestRemedy({ code, table }, stream);
    const status: HealthStatus = mayPass(code, remedy) || source !== 'table' ? 'degraded' : 'failing';
    return [{ status, shown: { source, code, ...(refusal && { refusal }), ...(remedy && { remedy }) } }];
  };
  return [
    ...problem('table', outcomes.table, stream.table),
    ...problem('hub', outcomes.hub, stream.table),
    ...problem('deadLetters', outcomes.letters, deadLettersTable),
  ];
}

/**
 * Whether everything was committed after a failure. Then its record was only left behind: the process that committed could not delete it,
 * or the process that failed wrote it too late.
 */
const isOver = (
  { partitionId, lastFailure }: IngestFailure,
  table: StreamFacts['table'],
  hub: StreamFacts['hub'],
): boolean =>
  'value' in table &&
  'value' in hub &&
  isCaughtUpSince(table.value, hub.value, { partitionId, timeMs: Date.parse(lastFailure) });

/** The partitions whose batches arrive but fail. */
const failingNow = (failures: readonly IngestFailure[], now: number): ReadonlySet<string> =>
  new Set(
    failures
      .filter(({ lastFailure }) => now - Date.parse(lastFailure) < silentAfterMs)
      .map(({ partitionId }) => partitionId),
  );

/**
 * Adds the remedies of stuck partitions. There is none if all of several partitions are stuck, because then the app does not read at all.
 * There is none for a partition whose batches come but fail either, because the failure has its own remedy.
 */
function withRemedies(
  partitions: readonly PartitionProgress[],
  failing: ReadonlySet<string>,
  { stream, isAnew }: { readonly stream: string; readonly isAnew: boolean },
): StreamHealth['partitions'] {
  const stuck = partitions.filter(({ stuckSince }) => stuckSince !== undefined);
  const isAppSilent = stuck.length > 1 && stuck.length === partitions.length;
  return partitions.map((each) => {
    if (!each.stuckSince || failing.has(each.partition)) return each;
    if (isAnew) return { ...each, remedy: resetRemedy(stream) };
    return isAppSilent ? each : { ...each, remedy: stuckRemedy(stream, each.partition) };
  });
}

function judge(failure: IngestFailure, remedy: Remedy | undefined, now: number) {
  const { partitionId, code, refusal, since, lastFailure, attempts } = failure;
  const limitMs = mayPass(code, remedy) ? stuckAfterTransientMs : stuckAfterMs;
  const isStuck = now - Date.parse(since) >= limitMs;
  const isRepeated = now - Date.parse(lastFailure) < staleAfterMs;
  const status: HealthStatus = isStuck && isRepeated ? 'failing' : 'degraded';
  const told = { ...(refusal && { refusal }), since, lastFailure, attempts };
  const shown = { partition: partitionId, code, ...told, ...(remedy && { remedy }) };
  return { status, shown };
}

/**
 * Whether an error may pass without anybody doing anything. Errors of libraries and of the platform may, and so may our retriable ones.
 * Errors that a command fixes do not.
 */
function mayPass(code: ErrorCode | string, remedy: Remedy | undefined): boolean {
  const ours: Readonly<Record<string, { readonly retriable: boolean }>> = errorCodes;
  return !remedy && (ours[code]?.retriable ?? true);
}

function worst(parts: readonly Judged[]): HealthStatus {
  const found = new Set(parts.map(({ status }) => status));
  return found.has('failing') ? 'failing' : found.has('degraded') ? 'degraded' : 'ok';
}
