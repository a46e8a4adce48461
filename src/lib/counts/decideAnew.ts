import { openSnapshot } from '../delta/openTable';
import { positionOfState } from '../delta/position';
import { dayMs, hourMs } from '../duration';
import { readState, writeState } from '../fold/stateFile';
import { cachedStateFile } from './cachedState';
import { countFiles } from './countFiles';
import { type CountedTable, type CountOptions, roomOf, timeOf } from './countLiveFiles';
import { decideFromFiles } from './decideKept';
import { type Decision, enforceKept, writeKept } from './kept';

/**
 * Whether it is time to decide anew which keys are kept. It is once a day, because other keys may have more rows by now, and at most once
 * an hour if the preferred keys or the limit have changed. It never is while every key is kept, or while the list of preferred keys cannot
 * be read, because a decision without the list would fold them.
 */
export async function isDecisionDue({ state, kept }: CountedTable, options: CountOptions): Promise<boolean> {
  if (!kept.keys || kept.isAlone) return false;
  const { tag } = await options.preferred();
  if (tag === undefined) return false;
  const age = timeOf(state, options) - kept.decidedAt;
  if (age >= dayMs) return true;
  return age >= hourMs && (tag !== kept.preferred || options.maxKeys !== kept.maxKeys);
}

/**
 * Decides from the files which keys are kept, and counts the rows of these keys. A key that was folded until now can be kept, because all
 * its rows are counted again here. The counts are saved before the decision comes into force, so that the other instances find them then.
 * @param before the decision in force
 * @throws what reading and writing the table throws, and the signal's reason
 */
export async function decideAnew(
  before: Decision,
  options: CountOptions & { readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const { at, counted, signal } = options;
  const snapshot = await openSnapshot(at);
  if (!snapshot) return;
  const nowMs = timeOf(snapshot, options);
  const files = { state: snapshot, adds: [...snapshot.files.values()], counted, signal };
  const decision = await decideFromFiles(files, nowMs, options);
  if (decision.id !== before.id) {
    const tally = await countFiles({ ...files, nowMs, room: roomOf(decision.keys, options) });
    if (tally === 'no-room') return;
    const state = { ...positionOfState(snapshot), kept: decision.id, tally: tally.parts() };
    // If another instance saves its counts at the same time, either state may remain: it is a cache.
    const file = cachedStateFile(counted);
    await writeState(at, file, state, (await readState(at, file)).etag);
  }
  await enforceKept(snapshot, counted, await writeKept(snapshot, counted, decision));
}
