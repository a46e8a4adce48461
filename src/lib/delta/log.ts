import { TributaryError } from '../errors';
import type { ObjectStore } from '../storage/objectStore';
import { type Commit, parseCommit } from './actions';

/** A table: a folder of a store. `table` has no slash at either end. */
export interface TableLocation {
  readonly store: ObjectStore;
  readonly table: string;
}

const digits = (version: number) => String(version).padStart(20, '0');

export const logPrefix = (table: string) => `${table}/_delta_log/`;
export const commitPath = (table: string, version: number) => `${logPrefix(table)}${digits(version)}.json`;
export const checkpointPath = (table: string, version: number) =>
  `${logPrefix(table)}${digits(version)}.checkpoint.parquet`;
export const lastCheckpointPath = (table: string) => `${logPrefix(table)}_last_checkpoint`;

/** How errors name a version of a table: store, table, version. */
export const describeVersion = ({ store, table }: TableLocation, version: number) =>
  `${store.name}/${table} version ${version}`;

/** The commit of one version, or undefined when there is none (yet, or any more). Throws `delta.invalid`. */
export async function readCommit(at: TableLocation, version: number): Promise<Commit | undefined> {
  const found = await at.store.get(commitPath(at.table, version));
  return found && parseCommit(found.bytes, version, describeVersion(at, version));
}

/** A checkpoint as the log names it: the paths of its parts, one for a classic checkpoint. */
export interface CheckpointFiles {
  readonly version: number;
  readonly paths: readonly string[];
}

export interface LogListing {
  /** Ascending. */
  readonly commits: readonly number[];
  /** Complete ones only, ascending by version. */
  readonly checkpoints: readonly CheckpointFiles[];
}

/** Lists the log: for opening without a hint, for old versions and for maintenance; never on the way of a commit. */
export async function listLog({ store, table }: TableLocation): Promise<LogListing> {
  const commits: number[] = [];
  const found = new Map<string, { version: number; parts: number; paths: string[] }>();
  const prefix = logPrefix(table);
  for await (const { path } of store.list(prefix)) {
    const name = path.slice(prefix.length);
    const commit = /^(\d{20})\.json$/.exec(name);
    if (commit) commits.push(Number(commit[1]));
    // Classic and multi-part names (PROTOCOL.md, "Checkpoints"); V2 names carry a UUID and are not read.
    const checkpoint = /^(\d{20})\.checkpoint(?:\.\d{10}\.(\d{10}))?\.parquet$/.exec(name);
    if (checkpoint) {
      const parts = Number(checkpoint[2] ?? 1);
      const key = `${checkpoint[1]}/${checkpoint[2] ?? 'single'}`;
      const entry = found.get(key) ?? { version: Number(checkpoint[1]), parts, paths: [] };
      entry.paths.push(path);
      found.set(key, entry);
    }
  }
  const checkpoints = [...found.values()]
    .filter(({ parts, paths }) => paths.length === parts)
    .sort((a, b) => a.version - b.version);
  return { commits: commits.sort((a, b) => a - b), checkpoints };
}

/** What `_last_checkpoint` points to, or undefined when it is missing or damaged: it is a hint, never the truth. */
export async function readLastCheckpoint({
  store,
  table,
}: TableLocation): Promise<CheckpointFiles | undefined> {
  const found = await store.get(lastCheckpointPath(table));
  if (!found) return undefined;
  let hint: { version?: unknown; parts?: unknown } | null;
  try {
    hint = JSON.parse(Buffer.from(found.bytes).toString('utf8'));
  } catch {
    return undefined;
  }
  const { version, parts = 1 } = hint ?? {};
  if (!Number.isSafeInteger(version) || !Number.isSafeInteger(parts)) return undefined;
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
  if (/^[a-z][a-z0-9+.-]*:/i.test(decoded) || decoded.startsWith('/')) return refuse('has an absolute path');
  if (decoded.split('/').some((segment) => segment === '..' || segment === '.'))
    return refuse('leaves the table');
  return `${at.table}/${decoded}`;
}
