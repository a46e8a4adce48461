import type { TableState } from '../delta/state';
import { TributaryError } from '../errors';
import { type Choice, chooseKeys, chooseKeysOfFiles, type KeptKeys } from './chooseKeys';
import type { FilesToScan } from './countFiles';
import type { Dimension } from './dimension';
import { type Decision, enforceKept, idOfKeys, type Kept, keepAlone, writeKept } from './kept';
import type { Key } from './keys';
import type { TallyParts } from './tally';

/** A list of the keys that are kept first. */
export interface Preferred {
  readonly keys: ReadonlySet<Key>;
  /** Changes if the list changes; undefined if the list could not be read. */
  readonly tag: string | undefined;
}

export interface DecideOptions {
  /** How many keys are counted on their own. */
  readonly maxKeys: number;
  /** The keys that are kept first. */
  readonly preferred: () => Promise<Preferred>;
  /** True if nothing may be written. Then decisions are not shared. */
  readonly isReadOnly?: boolean;
  /** Receives messages about something that went wrong but is no error. */
  readonly warn: (message: string) => void;
}

/** The tag for a list that could not be read. It differs from every other tag, so a new decision is made once the list can be read. */
const unreadTag = '?';

/** A decision from the counts of tallies, which together have every key. */
export const decideFromTallies = (
  tallies: readonly TallyParts[],
  decidedAt: number,
  options: DecideOptions,
): Promise<Decision> => decide(options, decidedAt, async (choice) => chooseKeys(countsOf(tallies), choice));

/** A decision from the rows of files. Throws what reading the files throws. */
export const decideFromFiles = (
  files: FilesToScan,
  decidedAt: number,
  options: DecideOptions,
): Promise<Decision> => decide(options, decidedAt, (choice) => chooseKeysOfFiles(files, choice));

async function decide(
  { maxKeys, preferred }: DecideOptions,
  decidedAt: number,
  choose: (choice: Choice) => Promise<KeptKeys>,
): Promise<Decision> {
  const { keys: first, tag = unreadTag } = await preferred();
  const keys = await choose({ maxKeys, preferred: first });
  return { keys, id: idOfKeys(keys), decidedAt, maxKeys, preferred: tag };
}

/**
 * Puts a decision in force for all instances, or learns that another instance did so first: in both cases it is `in-the-log`. If it cannot
 * be committed, this instance counts by it alone. Then another instance may keep other keys, which the ETag of an answer tells.
 */
export async function share(
  state: TableState,
  decision: Decision,
  { isReadOnly = false, warn, counted }: DecideOptions & { readonly counted: Dimension },
): Promise<Kept | 'in-the-log'> {
  if (isReadOnly) return keepAlone(decision, state, counted);
  try {
    await enforceKept(state, counted, await writeKept(state, counted, decision));
    return 'in-the-log';
  } catch (error) {
    if (!(error instanceof TributaryError)) throw error;
    warn(`Other instances may count other keys of ${state.at.table} on their own: ${error.message}`);
    return keepAlone(decision, state, counted);
  }
}

function countsOf(tallies: readonly TallyParts[]): Map<Key, number> {
  const sums = new Map<Key, number>();
  for (const { keys, counts } of tallies)
    keys.forEach((key, index) => {
      sums.set(key, (sums.get(key) ?? 0) + (counts[index] ?? 0));
    });
  return sums;
}
