import { createHash } from 'node:crypto';
import { commitAmongRivals } from '../delta/commit';
import { describeVersion, type TableLocation } from '../delta/log';
import { ensureWritable } from '../delta/protocol';
import type { TableState } from '../delta/state';
import { TributaryError } from '../errors';
import { jsonValue } from '../jsonObject';
import type { KeptKeys } from './chooseKeys';
import { type Dimension, placeOf } from './dimension';
import { compareKeys, isKey, type Key } from './keys';

/*
 * Decides which keys of a table are counted on their own. While there is room for all keys, all of them are, and nothing is decided. If
 * there are more, one instance must decide, and every instance must follow, because the same version of the table must give the same answer
 * everywhere. So a decision becomes valid by a commit in the table's own log: a txn whose version is the number of a file in
 * `_counts/kept/`, which is written once and never changed. The decision in force at a version is the one that the log names at that
 * version, however an instance got there. If two instances decide at once, they race for the commit, and the loser follows the winner.
 */

const keptPath = (table: string, dimension: Dimension, number: number) =>
  `${table}/${placeOf(dimension).folder}/kept/${number}.json`;

const format = 1;
/** How many earlier decisions are kept, in case the log goes back in time. */
const earlierKept = 3;

/** A decision that is not in force yet. */
export interface Decision {
  /** Undefined if all keys are counted on their own. */
  readonly keys: KeptKeys;
  /** A hash of the keys. Counts that were folded by a decision of the same id can be added to one another. */
  readonly id: string;
  /** When the counts that the decision is based on were committed, in milliseconds since 1970. */
  readonly decidedAt: number;
  /** How many keys could be kept. */
  readonly maxKeys: number;
  /** The tag of the list of preferred keys that was used. */
  readonly preferred: string;
}

/** The decision in force at a version of a table. */
export interface Kept extends Decision {
  /** Its number in the log; 0 if none was made. */
  readonly number: number;
  /** True if it could not be put in the log, so that only this instance follows it. */
  readonly isAlone: boolean;
}

/** The id of a decision that keeps these keys; empty if it keeps all. */
export function idOfKeys(keys: KeptKeys): string {
  if (!keys) return '';
  const hash = createHash('sha256');
  for (const key of [...keys].sort(compareKeys)) hash.update(`${JSON.stringify(key)}\n`);
  return hash.digest('hex').slice(0, 32);
}

const everyKey: Kept = {
  number: 0,
  isAlone: false,
  keys: undefined,
  id: '',
  decidedAt: 0,
  maxKeys: 0,
  preferred: '',
};

/** The number of the decision in force at a version; 0 if none was made. */
export const keptNumber = ({ txns }: TableState, dimension: Dimension): number =>
  txns.get(placeOf(dimension).appId)?.version ?? 0;

/**
 * The decision in force at a version. Undefined if its file is gone or damaged, or is about another column: then it must be decided
 * anew.
 */
export async function readKept(state: TableState, dimension: Dimension): Promise<Kept | undefined> {
  const number = keptNumber(state, dimension);
  if (number === 0) return everyKey;
  const { store, table } = state.at;
  const found = await store.get(keptPath(table, dimension, number));
  const decision = found && parseDecision(found.bytes, dimension);
  return decision && { ...decision, number, isAlone: false };
}

/** A decision that could not be put in the log, so that this instance follows it alone. */
export const keepAlone = (decision: Decision, state: TableState, dimension: Dimension): Kept => ({
  ...decision,
  number: keptNumber(state, dimension),
  isAlone: true,
});

/**
 * Writes a decision down, and gives it a number. It is not in force yet.
 * @throws `storage.*`, and `delta.unsupported` if no decision can be put in force: each try would leave a file behind
 */
export async function writeKept(
  state: TableState,
  dimension: Dimension,
  decision: Decision,
): Promise<number> {
  ensureCommittable(state);
  const { store, table } = state.at;
  const { keys, id, decidedAt, maxKeys, preferred } = decision;
  const stored = {
    format,
    of: dimension.key,
    id,
    decidedAt,
    maxKeys,
    preferred,
    keys: keys ? [...keys] : null,
  };
  const bytes = Buffer.from(JSON.stringify(stored));
  for (let number = keptNumber(state, dimension) + 1; ; number++) {
    // A number may be taken: another instance decides as well, or did before the log went back in time.
    const { outcome } = await store.putIfAbsent(keptPath(table, dimension, number), bytes);
    if (outcome === 'written') return number;
  }
}

/**
 * Puts a decision in force, unless another one comes into force first.
 * @param state the version that it was made at
 * @throws `storage.*`, `delta.*`, if it cannot be committed
 */
export async function enforceKept(
  state: TableState,
  dimension: Dimension,
  number: number,
): Promise<'in-force' | 'overtaken'> {
  const { at } = state;
  const { appId } = placeOf(dimension);
  const { outcome } = await commitAmongRivals({
    state,
    actions: [{ txn: { appId, version: number, lastUpdated: Date.now() } }],
    description: { operation: 'KEEP KEYS', isBlindAppend: false },
    conflictsWith(rival, newer) {
      if (rival.protocol || rival.metaData) ensureCommittable(newer);
      return rival.txns.some((txn) => txn.appId === appId);
    },
  });
  const useless = outcome === 'committed' ? number - earlierKept - 1 : number;
  if (useless > 0) await deleteQuietly(at, keptPath(at.table, dimension, useless));
  return outcome === 'committed' ? 'in-force' : 'overtaken';
}

const ensureCommittable = ({ protocol, metaData, version, at }: TableState) =>
  ensureWritable(protocol, metaData, describeVersion(at, version));

/** Deletes a file, if that is possible. If it stays, it takes some room but does no other harm. */
async function deleteQuietly({ store }: TableLocation, path: string): Promise<void> {
  try {
    await store.delete(path);
  } catch (error) {
    if (!(error instanceof TributaryError)) throw error;
  }
}

function parseDecision(bytes: Uint8Array, dimension: Dimension): Decision | undefined {
  const text = Buffer.from(bytes).toString('utf8');
  const raw = (jsonValue(text) ?? {}) as Partial<Record<keyof Decision | 'format' | 'of', unknown>>;
  const { id, keys, decidedAt, maxKeys, preferred } = raw;
  if (raw.format !== format || typeof id !== 'string' || typeof preferred !== 'string') return undefined;
  // Earlier releases did not write which column a decision is about.
  if (raw.of !== undefined && raw.of !== dimension.key) return undefined;
  if (typeof decidedAt !== 'number' || typeof maxKeys !== 'number') return undefined;
  if (!(keys === null || (Array.isArray(keys) && keys.every(isKey)))) return undefined;
  return { keys: keys === null ? undefined : new Set<Key>(keys), id, decidedAt, maxKeys, preferred };
}
