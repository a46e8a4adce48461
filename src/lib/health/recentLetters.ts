import type { Add } from '../delta/actions';
import { recordsOf } from '../delta/readStatistics';
import type { Field } from '../delta/schema';
import type { Snapshot } from '../delta/state';
import { boundsOf, filesWith, mayContain, scanRows } from '../lake/scanRows';

/** Bounds of text may be cut to 32 characters. A bound of at most this length is the whole value. */
const longestWholeBound = 31;

/**
 * How many dead letters each stream has received since a time, in milliseconds since 1970. One bad event a second makes thousands of small
 * files an hour, and probes ask often. So the rows of most files are counted by their statistics. Only files with letters of several
 * streams, or with letters from before that time, are read.
 * @param snapshot the table of dead letters; undefined if there is none yet
 * @throws `storage.*`, `parquet.invalid`
 */
export async function lettersSince(
  snapshot: Snapshot | undefined,
  sinceMs: number,
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  const add = (stream: string, letters: number) => counts.set(stream, (counts.get(stream) ?? 0) + letters);
  if (!snapshot) return counts;
  const since = sinceMs * 1000;
  const files = filesWith(snapshot, 'received_at', ({ most }) => most >= since);
  const isWhole = mayContain(snapshot, 'received_at', ({ least }) => least >= since);
  const unclear = files.filter((file) => {
    const stream = isWhole(file) ? onlyStream(file, snapshot.fields) : undefined;
    const letters = recordsOf(file);
    if (stream === undefined || letters === undefined) return true;
    add(stream, letters);
    return false;
  });
  const columns = ['stream', 'received_at'];
  await scanRows({ state: snapshot, files: unclear, columns }, ([stream, receivedAt]) => {
    if (Number(receivedAt) >= since) add(String(stream), 1);
  });
  return counts;
}

/** The stream of all letters of a file; undefined if its statistics do not say that there is only one. */
function onlyStream(file: Add, fields: readonly Field[]): string | undefined {
  const field = fields.find(({ name }) => name === 'stream');
  const { min, max } = field ? boundsOf(file, field) : {};
  return typeof min === 'string' && min === max && min.length <= longestWholeBound ? min : undefined;
}
