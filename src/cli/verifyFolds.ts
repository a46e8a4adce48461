import { cachedStatePath } from '../lib/counts/cachedState';
import { type Dimension, dimensionsOf } from '../lib/counts/dimension';
import { type CountsVerification, verifyCounts } from '../lib/counts/verifyCounts';
import type { TableLocation } from '../lib/delta/log';
import { inertInLine } from '../lib/inert';
import { latestStatePath } from '../lib/latest/latestState';
import { type LatestVerification, verifyLatest } from '../lib/latest/verifyLatest';
import { count, quantity } from '../lib/quantity';
import type { Settings } from '../lib/settings';
import type { Stream } from '../lib/streams/stream';
import { showFiles } from './longTask';

/** Compares what the API folds from a stream's table with the table's files, and prints the result. Returns whether it is right. */
export async function verifyFolds(
  { counted, latest }: Stream,
  at: TableLocation,
  { countedProducts: maxKeys }: Settings,
): Promise<boolean> {
  let isRight = true;
  for (const dimension of counted ? dimensionsOf(counted) : []) {
    const counts = await showFiles('counts: file', (onFile) =>
      verifyCounts({ at, counted: dimension, maxKeys, onFile }),
    );
    if (counts) console.log(describeCounts(counts, at, dimension));
    isRight &&= !counts?.different;
  }
  if (!latest) return isRight;
  const rows = await showFiles('newest rows: file', (onFile) => verifyLatest({ at, latest, onFile }));
  if (rows) console.log(describeLatest(rows, at));
  return isRight && !rows?.different;
}

const stateOf = (version: number | undefined, what: string) =>
  version === undefined ? `no ${what} state` : `the ${what} state of version ${version}`;

function describeCounts(
  { version, cachedVersion, total, folded, different, examples }: CountsVerification,
  { store, table }: TableLocation,
  dimension: Dimension,
): string {
  const of = `The counts ${dimension.isFurther ? `by ${dimension.key} ` : ''}of version ${version} are`;
  const cache = stateOf(cachedVersion, 'cached');
  const all = folded === 0 ? count(total) : `${count(total)}, of them ${count(folded)} folded into "other"`;
  if (different === 0) return `${of} right: ${all}, with ${cache}.`;
  return [
    `${of} wrong in ${quantity(different, 'place')}, with ${cache}:`,
    ...examples.map(
      ({ of, served, live }) => `  ${inertInLine(of)}: ${count(served)} counted, ${count(live)} in the files`,
    ),
    ...(different > examples.length ? ['  …'] : []),
    `  To count them again: stop the app, delete ${store.name}/${cachedStatePath(table, dimension)}, and start the app.`,
  ].join('\n');
}

function describeLatest(
  { version, savedVersion, keys, different, examples }: LatestVerification,
  { store, table }: TableLocation,
): string {
  const of = `The newest rows of version ${version} are`;
  const saved = stateOf(savedVersion, 'saved');
  if (different === 0) return `${of} right: those of ${quantity(keys, 'key')}, with ${saved}.`;
  return [
    `${of} wrong in ${quantity(different, 'place')}, with ${saved}:`,
    ...examples.map(
      ({ of, served = 'nothing', live = 'nothing' }) =>
        `  ${inertInLine(of)}: ${inertInLine(served)} served, ${inertInLine(live)} in the files`,
    ),
    ...(different > examples.length ? ['  …'] : []),
    `  To fold them again: stop the app, delete ${store.name}/${latestStatePath(table)}, and start the app.`,
  ].join('\n');
}
