import { jsonValue } from '../jsonObject';
import type { ObjectStore } from '../storage/objectStore';

/*
 * Functions share no memory. So the functions that ingest record in the lake which partitions fail, and GET /api/health reads it there.
 * Each failing partition has one small file. It is deleted when a batch of the partition is committed.
 */

/** The record of a partition whose batches fail. In the file, `partitionId` is called `partition`. */
export interface IngestFailure {
  readonly stream: string;
  readonly partitionId: string;
  /** The code of the last error; `unknown` for an error that is not ours. */
  readonly code: string;
  /**
   * A text for people: the message of one of our own errors. Of any other error only the name is kept, because its message may hold
   * secrets.
   */
  readonly message: string;
  /** The Delta table that must be repaired, if the error names one. A batch writes two tables, so it may be either. */
  readonly table?: string;
  /** If a table is refused: what it needs and how that is turned off, in words that anybody may read. */
  readonly refusal?: string;
  /** ISO time of the first failure since a batch of the partition was committed. */
  readonly since: string;
  /** ISO time of the last failure. */
  readonly lastFailure: string;
  /** How many attempts have failed since `since`. */
  readonly attempts: number;
}

const folder = '_status/ingest/';

/** Path of a partition's file in the lake's container. */
export const failurePath = (stream: string, partitionId: string): string =>
  `${folder}${stream}/${encodeURIComponent(partitionId)}.json`;

/** The failure that a process recorded in the lake; undefined if there is none, or it cannot be read. */
export async function readFailure(store: ObjectStore, path: string): Promise<IngestFailure | undefined> {
  const found = await store.get(path);
  return found && parseFailure(found.bytes);
}

/** Creates or replaces the partition's file. */
export async function writeFailure(store: ObjectStore, failure: IngestFailure): Promise<void> {
  const { stream, partitionId, ...others } = failure;
  const record = { stream, partition: partitionId, ...others };
  await store.put(failurePath(stream, partitionId), Buffer.from(JSON.stringify(record)));
}

/** The failures of all streams, in no particular order. Throws `storage.*`. */
export async function readFailures(store: ObjectStore): Promise<IngestFailure[]> {
  const reads: Promise<IngestFailure | undefined>[] = [];
  for await (const { path } of store.list(folder)) reads.push(readFailure(store, path));
  return (await Promise.all(reads)).filter((failure) => failure !== undefined);
}

function parseFailure(bytes: Uint8Array): IngestFailure | undefined {
  const raw = jsonValue(Buffer.from(bytes).toString('utf8'));
  const {
    stream,
    partition: partitionId,
    code,
    message,
    table,
    refusal,
    since,
    lastFailure,
    attempts,
  } = (raw ?? {}) as Record<string, unknown>;
  if (typeof stream !== 'string' || typeof partitionId !== 'string') return undefined;
  if (typeof code !== 'string' || typeof message !== 'string') return undefined;
  if (!isTime(since) || !isTime(lastFailure) || !Number.isSafeInteger(attempts)) return undefined;
  const named = isTableName(table) ? { table } : {};
  const refused = typeof refusal === 'string' ? { refusal } : {};
  return {
    stream,
    partitionId,
    code,
    message,
    ...named,
    ...refused,
    since,
    lastFailure,
    attempts: Number(attempts),
  };
}

/** Whether a value can be the name of a table. It is checked, because the name becomes part of a command that people copy. */
const isTableName = (value: unknown): value is string => typeof value === 'string' && /^[\w/-]+$/.test(value);

const isTime = (value: unknown): value is string =>
  typeof value === 'string' && !Number.isNaN(Date.parse(value));
