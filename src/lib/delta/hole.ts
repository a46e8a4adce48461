import { TributaryError } from '../errors';
import { describeVersion, listLogFiles, logPrefix, type TableLocation, versionDigits } from './log';

/*
 * A hole: the log ends at one version, and entries stand above the next one, which is missing. It comes to be when storage
 * goes back in time (a restored backup, a failover, an emulator that was killed) while a writer's commit is under way. Once
 * the log has grown up to such a stray entry, the entry would count as a commit, and its old rows would come alive again.
 */

/** Versions share a block whose numbers are the same but for so many last digits. A block is one page of a listing. */
const blockDigits = 3;

/**
 * The versions of log entries above `version`, ascending, as far as a look at two blocks of a thousand versions shows them:
 * the whole log would take minutes to list.
 */
export async function entriesAbove(at: TableLocation, version: number): Promise<number[]> {
  const size = 10 ** blockDigits;
  const blocks = [version + 1, version + 1 + size].map((first) =>
    versionDigits(first).slice(0, -blockDigits),
  );
  const found = await Promise.all(
    blocks.map(async (block) => {
      const versions: number[] = [];
      for await (const file of listLogFiles(at, block))
        if (file.kind === 'commit' && file.version !== undefined && file.version > version)
          versions.push(file.version);
      return versions;
    }),
  );
  return found.flat();
}

/** A log that ends at `version` although there are entries above. */
export function logWithHole(at: TableLocation, version: number, above: readonly number[]): TributaryError {
  const missing = describeVersion(at, version + 1);
  const text = `${missing} is missing from the log, and ${describeVersions(above)} above it. ${remedy(at)}`;
  return new TributaryError('delta.hole', text);
}

/** A log entry that was made on another one than the log has before it. */
export const strayEntry = (at: TableLocation, version: number): TributaryError =>
  new TributaryError(
    'delta.hole',
    `${describeVersion(at, version)} was made on another version ${version - 1} than the one in the log. ${remedy(at)}`,
  );

function describeVersions(versions: readonly number[]): string {
  if (versions.length === 0) return 'a part of a checkpoint is';
  if (versions.length === 1) return `version ${versions[0]} is`;
  return `${versions.length} versions from ${versions[0]} on are`;
}

const remedy = ({ table }: TableLocation): string =>
  `Storage went back in time while somebody wrote. Run "npm run table -- repair ${table}", which moves aside what does not follow on.`;

export const strayFolder = (table: string): string => `${table}/_stray/`;

/** Where a log file that is moved aside goes: readers and vacuum pass over folders that begin with an underscore. */
export const strayPath = (table: string, path: string): string =>
  `${strayFolder(table)}${path.slice(logPrefix(table).length)}`;
