import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { BlobServiceClient, type ContainerClient } from '@azure/storage-blob';
import { inParallel } from '../../src/lib/inParallel';

/*
 * A reader of Delta logs that shares no code about them with the product, so that it cannot have the same mistakes. It only reads
 * commits, and refuses a log that was cleaned.
 */

/** How many requests of one kind are sent to the storage at a time. */
export const requestsAtOnce = 8;

export interface LakeFiles {
  /** Paths on this machine. */
  readonly files: readonly string[];
  readonly commits: number;
}

/** A data file, and the versions of the table that it belongs to. */
export interface LifeOfFile {
  /** On this machine. */
  readonly file: string;
  /** The version that added it. */
  readonly from: number;
  /** The version that removed it; infinite if none did. */
  readonly until: number;
}

/** The life of a file as the log tells it, by the file's path in the table. */
type Lives = Map<string, Omit<LifeOfFile, 'file'>>;

/** Downloads the files that a table's log names; no files if there is no table. */
export async function downloadTable(
  connectionString: string,
  table: string,
  folder: string,
): Promise<LakeFiles> {
  const lake = openLake(connectionString);
  const { lives, commits } = await readLog(lake, table);
  const live = new Map([...lives].filter(([, { until }]) => until === Number.POSITIVE_INFINITY));
  return { files: (await download(lake, table, live, folder)).map(({ file }) => file), commits };
}

/** Downloads all files that a table ever had, for questions about earlier versions. */
export async function downloadVersions(
  connectionString: string,
  table: string,
  folder: string,
): Promise<LifeOfFile[]> {
  const lake = openLake(connectionString);
  return download(lake, table, (await readLog(lake, table)).lives, folder);
}

export const openLake = (connectionString: string): ContainerClient =>
  BlobServiceClient.fromConnectionString(connectionString).getContainerClient('lake');

async function readLog(lake: ContainerClient, table: string): Promise<{ lives: Lives; commits: number }> {
  const names: string[] = [];
  for await (const { name } of lake.listBlobsFlat({ prefix: `${table}/_delta_log/` }))
    if (/\/\d{20}\.json$/.test(name)) names.push(name);
  names.sort();
  const entries = await readEntries(lake, names);
  const lives: Lives = new Map();
  for (const [version, name] of names.entries()) {
    if (!name.endsWith(`/${String(version).padStart(20, '0')}.json`))
      throw new Error(`${table}: the log has no version ${version}.`);
    for (const { add, remove } of entries[version] ?? []) {
      if (add) lives.set(decodeURIComponent(add.path), { from: version, until: Number.POSITIVE_INFINITY });
      const removed = remove && decodeURIComponent(remove.path);
      const life = removed && lives.get(removed);
      if (life) lives.set(removed, { ...life, until: version });
    }
  }
  return { lives, commits: names.length };
}

/** The part of a line of a log entry that is about a file. */
interface FileAction {
  readonly add?: { readonly path: string };
  readonly remove?: { readonly path: string };
}

/** Reads entries of a log by their names. */
export const readEntries = (lake: ContainerClient, names: readonly string[]): Promise<FileAction[][]> =>
  inParallel(names, requestsAtOnce, async (name) => {
    const text = (await lake.getBlobClient(name).downloadToBuffer()).toString();
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as FileAction);
  });

async function download(lake: ContainerClient, table: string, lives: Lives, folder: string) {
  mkdirSync(join(folder, table), { recursive: true });
  return inParallel(lives, requestsAtOnce, async ([path, life]): Promise<LifeOfFile> => {
    const file = join(folder, table, path.replaceAll('/', '_'));
    await lake.getBlobClient(`${table}/${path}`).downloadToFile(file);
    return { file, ...life };
  });
}
