import { TributaryError } from '../errors';
import { jsonValue } from '../jsonObject';
import type { ObjectInfo, ObjectStore } from '../storage/objectStore';
import { type Commit, parseCommit } from './actions';

/** A table: a folder of a store. `table` has no slash at either end. */
export interface TableLocation {
  readonly store: ObjectStore;
  readonly table: string;
}

/** A version with as many digits as it has in the names of log files. */
export const versionDigits = (version: number) => String(version).padStart(20, '0');

export const logPrefix = (table: string) => `${table}/_delta_log/`;
export const commitPath = (table: string, version: number) =>
  `${logPrefix(table)}${versionDigits(version)}.json`;
export const checkpointPath = (table: string, version: number) =>
  `${logPrefix(table)}${versionDigits(version)}.checkpoint.parquet`;
export const lastCheckpointPath = (table: string) => `${logPrefix(table)}_last_checkpoint`;

/** How errors name a version of a table: store, table, version. */
export const describeVersion = ({ store, table }: TableLocation, version: number) =>
  `${store.name}/${table} version ${version}`;

/** The commit of one version; undefined if it does not exist yet or any more. Throws `delta.invalid`. */
export async function readCommit(at: TableLocation, version: number): Promise<Commit | undefined> {
  const found = await at.store.get(commitPath(at.table, version));
  if (!found) return undefined;
  const commit = parseCommit(found.bytes, version, describeVersion(at, version));
  return { ...commit, storedAt: found.lastModified.getTime() };
}

/** A checkpoint as the log names it: the paths of its parts, one for a classic checkpoint. */
export interface CheckpointFiles {
  readonly version: number;
  readonly paths: readonly string[];
}

export interface LogListing {
  /** The versions that have a commit file, ascending. */
  readonly commits: readonly number[];
  /** Only complete checkpoints, ascending by version. */
  readonly checkpoints: readonly CheckpointFiles[];
  /** Versions with a checkpoint that is not read here, because it is of the feature v2Checkpoint. */
  readonly v2Checkpoints: readonly number[];
  /** The highest version of all commits and parts of checkpoints; -1 when there is none. */
  readonly newest: number;
}

/** The part of a checkpoint's name after the version, if it has a UUID (PROTOCOL.md, "V2 Spec"). */
const namedByUuid = /\.checkpoint\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.(?:json|parquet)$/i;

/**
 * One file of the log folder. Only classic and multi-part checkpoints are of the kind `checkpoint`; V2 checkpoints have a UUID in their
 * names.
 */
export interface LogFile {
  readonly path: string;
  /** `other`: files of other writers that belong to a version, like checksums. */
  readonly kind: 'commit' | 'checkpoint' | 'other';
  /** The last version in its name; undefined if the name does not begin with a version. */
  readonly version: number | undefined;
  /** Number of a checkpoint's parts; `undefined` for the single file of a classic one. */
  readonly parts: number | undefined;
  readonly lastModified: Date;
}

/**
 * The files of the log, in the order of their names, which is the order of their versions.
 * @param beginning how the names of the wanted files begin; by default all are wanted
 */
export async function* listLogFiles(
  { store, table }: TableLocation,
  beginning = '',
): AsyncGenerator<LogFile, void> {
  for await (const object of store.list(`${logPrefix(table)}${beginning}`)) yield logFileOf(table, object);
}

/** Describes the log file of an object whose path begins with `logPrefix`. */
export function logFileOf(table: string, { path, lastModified }: ObjectInfo): LogFile {
  // A version or a range of versions (PROTOCOL.md, "Log Compaction Files"), then the kind of the file.
  const found = /^(\d{20})(?:\.(\d{20}))?\.(.+)$/.exec(path.slice(logPrefix(table).length));
  const rest = found?.[3] ?? '';
  const checkpoint = /^checkpoint(?:\.\d{10}\.(\d{10}))?\.parquet$/.exec(rest);
  return {
    path,
    kind: found?.[2] ? 'other' : rest === 'json' ? 'commit' : checkpoint ? 'checkpoint' : 'other',
    version: found ? Number(found[2] ?? found[1]) : undefined,
    parts: checkpoint?.[1] === undefined ? undefined : Number(checkpoint[1]),
    lastModified,
  };
}

/** The highest version for which these files have an entry or a checkpoint; -1 if there is none. */
export const highestVersion = (files: readonly LogFile[]): number =>
  files.reduce((top, { kind, version = -1 }) => (kind === 'other' ? top : Math.max(top, version)), -1);

/** Lists the log, to open it without a hint, to open old versions, and for maintenance. Commits never list it, as that is slow. */
export async function listLog(at: TableLocation): Promise<LogListing> {
  const commits: number[] = [];
  const found: LogFile[] = [];
  const v2Checkpoints: number[] = [];
  let newest = -1;
  for await (const file of listLogFiles(at)) {
    if (file.kind !== 'other') newest = Math.max(newest, file.version ?? -1);
    if (file.kind === 'commit' && file.version !== undefined) commits.push(file.version);
    if (file.kind === 'checkpoint') found.push(file);
    if (file.version !== undefined && namedByUuid.test(file.path)) v2Checkpoints.push(file.version);
  }
  return { commits, checkpoints: completeCheckpoints(found), v2Checkpoints, newest };
}

/**
 * The checkpoints that have all their parts, ascending by version. A version may have several checkpoints.
 * @param files in the order in which the log lists them
 */
export function completeCheckpoints(files: readonly LogFile[]): CheckpointFiles[] {
  const byName = Map.groupBy(files, ({ version, parts }) => `${version}/${parts ?? 'single'}`);
  return [...byName.values()].flatMap((parts) => {
    const [first] = parts;
    const isComplete = first?.version !== undefined && parts.length === (first.parts ?? 1);
    return isComplete ? [{ version: first.version, paths: parts.map(({ path }) => path) }] : [];
  });
}

const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;

/** The most parts of a checkpoint. No writer makes so many. */
const maxParts = 100_000;

/** The checkpoint that `_last_checkpoint` names; undefined if the file is missing or damaged. It is a hint, never the truth. */
export async function readLastCheckpoint({
  store,
  table,
}: TableLocation): Promise<CheckpointFiles | undefined> {
  const found = await store.get(lastCheckpointPath(table));
  return found && parseLastCheckpoint(table, found.bytes);
}

export function parseLastCheckpoint(table: string, bytes: Uint8Array): CheckpointFiles | undefined {
  const hint = jsonValue(Buffer.from(bytes).toString('utf8'));
  const { version, parts = 1 } = (hint ?? {}) as { readonly version?: unknown; readonly parts?: unknown };
  if (!isCount(version) || !isCount(parts) || (parts as number) > maxParts) return undefined;
  const name = checkpointPath(table, version as number);
  const count = parts as number;
  if (count <= 1) return { version: version as number, paths: [name] };
  const part = (n: number) => String(n).padStart(10, '0');
  const paths = Array.from({ length: count }, (_, i) =>
    name.replace(/parquet$/, `${part(i + 1)}.${part(count)}.parquet`),
  );
  return { version: version as number, paths };
}

/** The path in the store of a data file that the log names. Throws `delta.invalid` when it would leave the table. */
export function dataFilePath(at: TableLocation, path: string, version: number): string {
  const refuse = (problem: string): never => {
    throw new TributaryError(
      'delta.invalid',
      `${describeVersion(at, version)}: the data file ${path} ${problem}.`,
    );
  };
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    return refuse('has a path that is not URI-encoded');
  }
  // An encoded colon is part of a name. Only one that is not encoded ends the scheme of a URI.
  if (/^[a-z][a-z0-9+.-]*:/i.test(path) || decoded.startsWith('/')) return refuse('has an absolute path');
  if (decoded.split('/').some((segment) => segment === '..' || segment === '.'))
    return refuse('leaves the table');
  return `${at.table}/${decoded}`;
}
