import { TributaryError } from '../errors';
import {
  type CheckpointFiles,
  describeVersion,
  listLogFiles,
  logPrefix,
  type TableLocation,
  versionDigits,
} from './log';

/*
 * A hole is a version that is missing in the log although there are entries with higher versions. It happens when storage goes back in time
 * (a restored backup, a failover, an emulator that was killed) while a commit is under way. An entry above the hole is called stray. If the
 * log grew up to a stray entry, that entry would count as a commit, and its old rows would appear in the table.
 */

/** Versions are listed in blocks that share all but the last three digits: 1,000 versions, one listing page. */
const blockDigits = 3;

/**
 * The versions above `version` that have a log entry or a checkpoint, ascending. Looks only at the block of 1,000 versions that has the
 * next version, and at the block after it: listing the whole log could take minutes.
 */
export async function versionsAbove(at: TableLocation, version: number): Promise<number[]> {
  const size = 10 ** blockDigits;
  const blocks = [version + 1, version + 1 + size].map((first) =>
    versionDigits(first).slice(0, -blockDigits),
  );
  const found = await Promise.all(
    blocks.map(async (block) => {
      const versions = new Set<number>();
      for await (const file of listLogFiles(at, block))
        if (file.kind !== 'other' && file.version !== undefined && file.version > version)
          versions.add(file.version);
      return [...versions];
    }),
  );
  return found.flat();
}

/**
 * The checkpoints from which a log can be opened. When storage goes back in time, it may keep a checkpoint and lose the log entry
 * of the checkpoint's version. Log cleaning may do so too, but it deletes the oldest entries first. So if the log can also be
 * opened at a version below such a checkpoint, the checkpoint is a leftover and does not count.
 * @param checkpoints ascending by version
 */
export function withoutLeftovers(
  checkpoints: readonly CheckpointFiles[],
  hasEntry: (version: number) => boolean,
): CheckpointFiles[] {
  const whole = checkpoints.find(({ version }) => hasEntry(version));
  const beginning = hasEntry(0) ? 0 : (whole?.version ?? Number.POSITIVE_INFINITY);
  return checkpoints.filter(({ version }) => hasEntry(version) || version < beginning);
}

/** The error for a log that ends at `version` although there are entries above it. */
export function logWithHole(at: TableLocation, version: number, above: readonly number[]): TributaryError {
  const missing = describeVersion(at, version + 1);
  const named = above.length === 0 ? 'a checkpoint, or a part of one,' : describeVersions(above);
  const text = `${missing} is missing from the log, and ${named} ${above.length > 1 ? 'are' : 'is'} above it. ${remedy(at)}`;
  return new TributaryError('delta.hole', text, { table: at.table });
}

/** The error for a log entry that was built on another previous version than the one that is in the log now. */
export const strayEntry = (at: TableLocation, version: number): TributaryError =>
  new TributaryError(
    'delta.hole',
    `${describeVersion(at, version)} was built on a version ${version - 1} that is no longer in the log. ${remedy(at)}`,
    { table: at.table },
  );

/** Versions in words; they must be ascending. A run of consecutive versions is named by its first and last version. */
export function describeVersions(versions: readonly number[]): string {
  const ranges: { first: number; last: number }[] = [];
  for (const version of versions) {
    const range = ranges.at(-1);
    if (range && range.last === version - 1) range.last = version;
    else ranges.push({ first: version, last: version });
  }
  const named = ranges.map(({ first, last }) => (first === last ? `${first}` : `${first} to ${last}`));
  return `version${versions.length === 1 ? '' : 's'} ${named.join(', ')}`;
}

const remedy = ({ table }: TableLocation): string =>
  `Storage went back in time during a write. Run "npm run table -- repair ${table}", which moves the log entries that no longer fit out of the log.`;

export const strayFolder = (table: string): string => `${table}/_stray/`;

/** The path to which a log file is moved aside. Readers and vacuum ignore folders that begin with an underscore. */
export const strayPath = (table: string, path: string): string =>
  `${strayFolder(table)}${path.slice(logPrefix(table).length)}`;
