import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { TributaryError } from '../errors';
import {
  type Action,
  type Add,
  type Commit,
  type CommitInfo,
  parseCommit,
  serializeCommit,
  type Txn,
} from './actions';
import { commitPath, describeVersion, readCommit, type TableLocation } from './log';
import { isStillInLog } from './position';
import { ensureWritable, ourProtocol } from './protocol';
import { readCommitsAfter } from './readCommits';
import { type Field, mismatchAdvice, schemaMismatch, serializeSchema } from './schema';
import { advanceState, type TableState } from './state';

const engineInfo = 'Tributary';

/** Properties of our own tables. They limit log entries and tombstones, of which a commit per second would otherwise leave millions. */
export const ourConfiguration: Readonly<Record<string, string>> = {
  'delta.appendOnly': 'true',
  'delta.logRetentionDuration': 'interval 3 days',
  'delta.deletedFileRetentionDuration': 'interval 2 days',
};

export interface CommitDescription {
  readonly operation: string;
  readonly operationParameters?: Readonly<Record<string, string>>;
  readonly operationMetrics?: Readonly<Record<string, string>>;
  readonly isBlindAppend: boolean;
}

/**
 * Writes one version if it does not exist yet (PROTOCOL.md, "Delta Log Entries"). If it exists because an earlier attempt of this
 * call wrote it and only the reply was lost, that is detected by reading it and counts as written.
 */
export async function putCommit(
  at: TableLocation,
  version: number,
  actions: readonly Action[],
  description: CommitDescription,
): Promise<'committed' | 'conflict'> {
  return (await writeCommit(at, version, actions, description)) ? 'committed' : 'conflict';
}

/**
 * Writes the commit. Returns it as a reader of the log would get it, or undefined if another commit has this version.
 * @param readMark the mark of the log entry before, if it is known
 */
async function writeCommit(
  at: TableLocation,
  version: number,
  actions: readonly Action[],
  description: CommitDescription,
  readMark?: string,
): Promise<Commit | undefined> {
  const txnId = randomUUID();
  const commitInfo: CommitInfo = {
    timestamp: Date.now(),
    ...description,
    operationParameters: description.operationParameters ?? {},
    ...(version > 0 ? { readVersion: version - 1 } : {}),
    ...(readMark === undefined ? {} : { readMark }),
    isolationLevel: 'Serializable',
    engineInfo,
    txnId,
  };
  const bytes = serializeCommit([{ commitInfo }, ...actions]);
  const ours = parseCommit(bytes, version, 'our own commit');
  const { outcome } = await at.store.putIfAbsent(commitPath(at.table, version), bytes);
  if (outcome === 'written') return ours;
  const winner = await readCommit(at, version);
  return winner?.commitInfo?.txnId === txnId ? ours : undefined;
}

/** Makes an unpartitioned table. The outcome is `conflict` if there is one already, or if another process was faster. */
export async function createTable(
  at: TableLocation,
  fields: readonly Field[],
  configuration: Readonly<Record<string, string>> = ourConfiguration,
): Promise<'committed' | 'conflict'> {
  const metaData = {
    id: randomUUID(),
    format: { provider: 'parquet', options: {} },
    schemaString: serializeSchema(fields),
    partitionColumns: [],
    configuration,
    createdTime: Date.now(),
  };
  return putCommit(at, 0, [{ protocol: ourProtocol }, { metaData }], {
    operation: 'CREATE TABLE',
    isBlindAppend: true,
  });
}

export interface AppendOptions {
  /** The newest version that the caller knows of. */
  readonly state: TableState;
  /** The schema of the files. */
  readonly fields: readonly Field[];
  readonly adds: readonly Add[];
  readonly txns: readonly Txn[];
  readonly operationMetrics?: Readonly<Record<string, string>>;
  /** How long to keep retrying after losing a race, in milliseconds (default 30,000). */
  readonly limitMs?: number;
  /** Called before `delta.schema` or `delta.unsupported` is thrown because of a rival's commit: then ours is not in the log. */
  readonly onRefusal?: () => Promise<void>;
}

/** `moved`: another commit moved one of our txns, so what is to be written must be worked out again. */
export type AppendOutcome = { readonly outcome: 'committed' | 'moved'; readonly state: TableState };

/**
 * Appends files and moves txns in one commit. A lost race is run again at the next version with the same files. A blind append conflicts
 * only with a change of protocol or schema, and with a commit that moves one of its txns (PROTOCOL.md, "Writer Requirements"; the conflict
 * rules are those of Delta's optimistic transactions).
 * @throws `delta.schema` when the table takes no such rows, `delta.unsupported`, `delta.contention` when time ran out
 */
export async function append(options: AppendOptions): Promise<AppendOutcome> {
  const { state, fields, adds, txns, operationMetrics, limitMs, onRefusal } = options;
  ensureTakes(state, fields);
  const { outcome, state: after } = await commitAmongRivals({
    state,
    actions: [...txns.map((txn) => ({ txn })), ...adds.map((add) => ({ add }))],
    description: {
      operation: 'WRITE',
      operationParameters: { mode: 'Append' },
      isBlindAppend: true,
      ...(operationMetrics ? { operationMetrics } : {}),
    },
    conflictsWith(rival, newer) {
      if (rival.protocol || rival.metaData) ensureTakes(newer, fields);
      return touches(rival, txns);
    },
    ...(limitMs === undefined ? {} : { limitMs }),
    ...(onRefusal && { onRefusal }),
  });
  return { outcome: outcome === 'committed' ? 'committed' : 'moved', state: after };
}

export interface RivalrousCommit {
  /** The newest version that the caller knows of; the commit is valid on it. */
  readonly state: TableState;
  /** The actions of the commit. No two of them may be about the same thing, such as the same file. */
  readonly actions: readonly Action[];
  readonly description: CommitDescription;
  /** Whether a commit that came in between makes ours invalid. `state` is the newest known version, with the rival's commit. */
  conflictsWith(rival: Commit, state: TableState): boolean;
  /** How long to keep retrying after losing a race, in milliseconds (default 30,000). */
  readonly limitMs?: number;
  /** See `AppendOptions`. */
  readonly onRefusal?: () => Promise<void>;
}

/** `state` is the newest version known afterwards: ours, or one that includes the commit that ours conflicts with. */
export type RivalrousOutcome = { readonly outcome: 'committed' | 'conflict'; readonly state: TableState };

/**
 * Commits at the next free version, as long as none of the commits in between conflicts with it. Tries are jittered,
 * so that writers who met once do not meet again.
 * @throws `delta.contention` when time ran out, `delta.hole` when a rival's commit does not follow on the log
 */
export async function commitAmongRivals(commit: RivalrousCommit): Promise<RivalrousOutcome> {
  const { actions, description, limitMs = 30_000, state: base } = commit;
  const { at } = base;
  const giveUpAt = Date.now() + limitMs;
  // The state is reached from the caller's state, not from the last rival: the rivals' commits and ours may all stand above a hole.
  const reachedFrom = base.mark === undefined ? undefined : { version: base.version, mark: base.mark };
  const advance = async (state: TableState, commits: readonly Commit[]) => {
    const after = await advanceOnTheSameLog(base, state, commits);
    return reachedFrom ? { ...after, reachedFrom } : after;
  };
  for (let state = base, lost = 0; ; lost++) {
    const version = state.version + 1;
    const ours = await writeCommit(at, version, actions, description, state.mark);
    if (ours) return { outcome: 'committed', state: await advance(state, [ours]) };
    try {
      // Read two versions at once, because there is at least one rival.
      const rivals = await readCommitsAfter(at, state.version, Number.POSITIVE_INFINITY, 2);
      const newest = await advance(state, rivals);
      state = newest;
      if (rivals.some((rival) => commit.conflictsWith(rival, newest))) return { outcome: 'conflict', state };
    } catch (error) {
      if (isRefusal(error)) await commit.onRefusal?.();
      throw error;
    }
    if (Date.now() > giveUpAt) {
      throw new TributaryError(
        'delta.contention',
        `${describeVersion(at, version)}: ${lost + 1} commits lost the race in ${limitMs / 1000} s.`,
      );
    }
    // Not `backoffMs`, which is never less than half a wait: the writers of a race are told apart best from zero on.
    await sleep(Math.random() * Math.min(500, 10 * 2 ** Math.min(lost, 6)));
  }
}

/** Whether an error means that a rival's commit has made the table refuse our rows. */
const isRefusal = (error: unknown): boolean =>
  error instanceof TributaryError && (error.code === 'delta.schema' || error.code === 'delta.unsupported');

/** Throws `delta.hole` if a rival's commit does not follow on the log; `delta.contention` if the log is not the one of `base`. */
async function advanceOnTheSameLog(
  base: TableState,
  state: TableState,
  commits: readonly Commit[],
): Promise<TableState> {
  try {
    return advanceState(state, commits);
  } catch (error) {
    const isHole = error instanceof TributaryError && error.code === 'delta.hole';
    if (!isHole || (await isStillInLog(base))) throw error;
    const where = describeVersion(base.at, base.version);
    throw new TributaryError('delta.contention', `${where} is not in the log any more: read it again.`, {
      cause: error,
    });
  }
}

/** Throws `delta.schema` or `delta.unsupported` if rows of these fields cannot be appended to the table. */
export function ensureTakes(state: TableState, fields: readonly Field[]): void {
  const where = describeVersion(state.at, state.version);
  ensureWritable(state.protocol, state.metaData, where);
  const mismatch = schemaMismatch(state.fields, fields);
  if (mismatch)
    throw new TributaryError(
      'delta.schema',
      `${where}: rows cannot be appended: ${mismatch}. ${mismatchAdvice}`,
    );
}

const touches = (rival: Commit, txns: readonly Txn[]) =>
  rival.txns.some(({ appId }) => txns.some((txn) => txn.appId === appId));
