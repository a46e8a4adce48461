import { TributaryError } from '../errors';
import type { Add, Commit, Metadata, Protocol, Remove, Txn } from './actions';
import { fileKey, hasDeletionVector } from './fileKey';
import type { CheckpointPart } from './fileRows';
import { FileTable } from './fileTable';
import { strayEntry } from './hole';
import { type CheckpointFiles, describeVersion, type TableLocation } from './log';
import { ensureReadable, unsupported } from './protocol';
import { type Field, parseSchema } from './schema';
import { howToPurge } from './turnOff';

/** A version and the mark of its log entry. */
export interface LogEntry {
  readonly version: number;
  readonly mark: string;
}

/** What a writer remembers of a table: everything but its files. So it stays small even if the table has many. */
export interface TableState {
  readonly at: TableLocation;
  readonly version: number;
  /** When the version was committed, in milliseconds since 1970; undefined if its commit does not say so. */
  readonly committedAt: number | undefined;
  /**
   * When the store wrote the newest log entry that was read, in milliseconds since 1970 by the store's own clock; undefined if none was
   * read.
   */
  readonly storedAt: number | undefined;
  /** The mark of the version's log entry; undefined if the log does not hold the entry (any more). */
  readonly mark: string | undefined;
  /**
   * The entry this state was advanced from. If it has since left the log, and was not cleaned away, storage went back in time and
   * this version was written after that. Undefined if no entry was read on the way.
   */
  readonly reachedFrom: LogEntry | undefined;
  readonly protocol: Protocol;
  readonly metaData: Metadata;
  /** The schema of metaData, parsed. */
  readonly fields: readonly Field[];
  /** The txns, by appId. */
  readonly txns: ReadonlyMap<string, Txn>;
}

/** A table at one version (PROTOCOL.md, "Action Reconciliation"). */
export interface Snapshot extends TableState {
  /** Live files by `fileKey`, which is their path. */
  readonly files: ReadonlyMap<string, Add>;
  /** Removed files by `fileKey`. Expired ones are included as long as the log names them. */
  readonly tombstones: ReadonlyMap<string, Remove>;
}

/**
 * Throws `delta.unsupported` for a live file in which a vector has deleted some rows. The protocol of such a table should have been refused
 * before, but without this check the deleted rows would appear again.
 */
export function ensureWithoutVector(add: Add, where: string): void {
  if (hasDeletionVector(add))
    throw unsupported(
      where,
      `the file ${add.path} has a deletion vector, which is not implemented. ${howToPurge}`,
    );
}

/**
 * Collects the actions of a checkpoint and of the commits after it, in the order of their versions. Only the last protocol decides what a
 * reader must be able to do: a feature may have been on for some versions and then turned off.
 */
export class LogReplay {
  readonly #at: TableLocation;
  #files: FileTable | undefined;
  readonly #tombstones = new Map<string, Remove>();
  readonly #txns = new Map<string, Txn>();
  #version = -1;
  #committedAt: number | undefined;
  #storedAt: number | undefined;
  #mark: string | undefined;
  #reachedFrom: LogEntry | undefined;
  #protocol: Protocol | undefined;
  #metaData: Metadata | undefined;

  /** Without `withFiles`, only what a writer needs is kept. `base` is the checkpoint from which the replay starts. */
  constructor(
    at: TableLocation,
    withFiles: boolean,
    readonly base?: CheckpointFiles,
  ) {
    this.#at = at;
    this.#files = withFiles ? FileTable.of() : undefined;
  }

  /** Continues from a state. A snapshot's files are copied, because the snapshot must not change. */
  static from(state: TableState | Snapshot): LogReplay {
    const replay = new LogReplay(state.at, 'files' in state);
    replay.#version = state.version;
    replay.#committedAt = state.committedAt;
    replay.#storedAt = state.storedAt;
    replay.#mark = state.mark;
    replay.#reachedFrom = state.reachedFrom;
    replay.#protocol = state.protocol;
    replay.#metaData = state.metaData;
    for (const [appId, txn] of state.txns) replay.#txns.set(appId, txn);
    if ('files' in state) {
      replay.#files = FileTable.of(state.files);
      for (const [path, remove] of state.tombstones) replay.#tombstones.set(path, remove);
    }
    return replay;
  }

  get version(): number {
    return this.#version;
  }

  /** The mark of the newest version's log entry. */
  get mark(): string | undefined {
    return this.#mark;
  }

  /**
   * How long ago the newest version was committed or stored, in milliseconds. It is the longer of the two times, because an entry that was
   * put back looks new to the store. Infinite if one of the times is not known.
   * @param now milliseconds since 1970
   */
  age(now: number): number {
    return (
      now -
      Math.min(this.#committedAt ?? Number.NEGATIVE_INFINITY, this.#storedAt ?? Number.NEGATIVE_INFINITY)
    );
  }

  /**
   * Applies one commit, or a part of a checkpoint as if it were a commit.
   * @throws `delta.hole` for a commit that was not made on the entry that the log has before it
   */
  apply(commit: CheckpointPart): void {
    const { readMark } = commit.commitInfo ?? {};
    const follows = commit.version === this.#version + 1;
    if (follows && readMark !== undefined && this.#mark !== undefined && readMark !== this.#mark)
      throw strayEntry(this.#at, commit.version);
    if (commit.protocol) this.#protocol = commit.protocol;
    if (commit.metaData) this.#metaData = commit.metaData;
    for (const txn of commit.txns) this.#txns.set(txn.appId, txn);
    if (this.#files) {
      for (const remove of commit.removes) {
        this.#files.delete(fileKey(remove));
        this.#tombstones.set(fileKey(remove), remove);
      }
      for (const add of commit.adds) {
        this.#tombstones.delete(fileKey(add));
        this.#files.set(add);
      }
      if (commit.files) this.#files.addRows(commit.files, (key) => this.#tombstones.delete(key));
    }
    this.#reachedFrom = follows ? entryOf(this.#version, this.#mark) : undefined;
    this.#version = commit.version;
    this.#committedAt = commit.commitInfo?.timestamp;
    this.#storedAt = commit.storedAt ?? this.#storedAt;
    this.#mark = commit.mark;
  }

  /** Sets the mark and the times of the newest version. `entry` is undefined if the log does not hold it, or it cannot be read. */
  markBy(mark: string | undefined, entry: Commit | undefined): void {
    this.#mark = mark;
    this.#committedAt = entry?.commitInfo?.timestamp;
    this.#storedAt = entry?.storedAt;
  }

  /** Throws `delta.invalid` when the log held no protocol, no metaData, or a schema that cannot be read. */
  ensureWhole(): { protocol: Protocol; metaData: Metadata; fields: Field[] } {
    const where = describeVersion(this.#at, this.#version);
    const protocol = this.#protocol;
    const metaData = this.#metaData;
    if (protocol && metaData)
      return { protocol, metaData, fields: parseSchema(metaData.schemaString, where) };
    const missing = protocol ? 'metaData' : 'protocol';
    throw new TributaryError('delta.invalid', `${where}: the log holds no ${missing} action.`);
  }

  /** Throws what `ensureWhole` throws, and `delta.unsupported` for a table that cannot be read at this version. */
  state(): TableState {
    const { protocol, metaData, fields } = this.ensureWhole();
    ensureReadable(protocol, describeVersion(this.#at, this.#version));
    return {
      at: this.#at,
      version: this.#version,
      committedAt: this.#committedAt,
      storedAt: this.#storedAt,
      mark: this.#mark,
      reachedFrom: this.#reachedFrom,
      protocol,
      metaData,
      fields,
      txns: this.#txns,
    };
  }

  /** Throws what `state` throws, and what `ensureWithoutVector` throws. */
  snapshot(): Snapshot {
    const state = this.state();
    const files = this.#files ?? FileTable.of();
    for (const add of files.unusual()) ensureWithoutVector(add, describeVersion(this.#at, this.#version));
    return { ...state, files, tombstones: this.#tombstones };
  }
}

const entryOf = (version: number, mark: string | undefined): LogEntry | undefined =>
  mark === undefined ? undefined : { version, mark };

/**
 * The state after `commits`, which must follow on `state`. The state of a snapshot has its files, too. Its `reachedFrom` is `state` and not
 * the last commit but one, because all of these commits may have landed above a hole.
 * @throws what `LogReplay.apply` and `LogReplay.state` throw
 */
export function advanceState<State extends TableState>(state: State, commits: readonly Commit[]): State;
export function advanceState(state: TableState | Snapshot, commits: readonly Commit[]): TableState {
  const replay = LogReplay.from(state);
  for (const commit of commits) replay.apply(commit);
  const after = 'files' in state ? replay.snapshot() : replay.state();
  if (commits.length === 0) return after;
  return { ...after, reachedFrom: entryOf(state.version, state.mark) ?? after.reachedFrom };
}
