import type { ContainerClient } from '@azure/storage-blob';
import { inParallel } from '../../src/lib/inParallel';
import { readEntries, requestsAtOnce } from './lakeFiles';

/*
 * Rolls the tables of the lake back in time, like a restored backup or a failover: the blobs of a moment are restored, and
 * everything written since is gone. It works on the storage directly and shares no code about tables with the product.
 */

/** The tables at one moment. */
export interface LakePicture {
  readonly blobs: ReadonlySet<string>;
  /** The contents of blobs that are written more than once. All other blobs never change. */
  readonly contents: ReadonlyMap<string, Buffer>;
  /** Version of clicks. */
  readonly version: number;
}

const logEntry = /\/_delta_log\/\d{20}\.json$/;
const writtenOnce = /\/(?:part-[^/]*\.parquet|_delta_log\/\d{20}\.[^/]*|_stray\/.*)$/;

/**
 * Takes a picture while the hosts write, in an order that makes it a possible backup. Files that describe the log are not newer than the
 * log. Letters and data files are not older than the commits that rely on them.
 */
export async function takePicture(lake: ContainerClient): Promise<LakePicture> {
  const contents = new Map<string, Buffer>();
  for (const name of (await listTables(lake)).filter((one) => !writtenOnce.test(one)))
    contents.set(name, await lake.getBlobClient(name).downloadToBuffer());
  const log = await list(lake, 'clicks/_delta_log/');
  const rest = (await listTables(lake)).filter((name) => !name.startsWith('clicks/_delta_log/'));
  const blobs = [...log, ...rest].filter((name) => writtenOnce.test(name) || contents.has(name));
  return { blobs: new Set(blobs), contents, version: newestVersion(log) };
}

/** The versions that a rollback removed. */
export interface Undone {
  /** The newest version of clicks after the rollback. */
  readonly to: number;
  /** The newest version of clicks before the rollback. */
  readonly from: number;
}

/**
 * Restores the tables from a picture. The newest log entries are deleted first, so that a reader meanwhile finds an earlier log,
 * but never a log with a hole.
 */
export async function goBack(lake: ContainerClient, picture: LakePicture): Promise<Undone> {
  const now = await listTables(lake);
  const isNow = new Set(now);
  const lost = [...picture.blobs].filter((name) => !isNow.has(name) && !picture.contents.has(name));
  const [needed] = lost.length === 0 ? [] : await neededOf(lake, picture, lost);
  if (needed !== undefined) throw new Error(`The lake cannot go back: ${needed} was deleted.`);
  for (const [name, bytes] of picture.contents) await lake.getBlockBlobClient(name).uploadData(bytes);
  const newer = now.filter((name) => !picture.blobs.has(name));
  const remove = (name: string) => lake.getBlobClient(name).deleteIfExists();
  const isPointer = (name: string) => !writtenOnce.test(name);
  for (const name of newer.filter(isPointer)) await remove(name);
  for (const name of newer.filter((one) => logEntry.test(one)).reverse()) await remove(name);
  await inParallel(
    newer.filter((name) => !isPointer(name) && !logEntry.test(name)),
    requestsAtOnce,
    remove,
  );
  return { to: picture.version, from: newestVersion(now.filter((name) => name.startsWith('clicks/'))) };
}

/**
 * Which lost blobs the tables of the picture need. They can do without a data file that no log entry names: its writer deletes such a
 * file when its commit is refused.
 */
async function neededOf(lake: ContainerClient, picture: LakePicture, lost: readonly string[]) {
  const isData = (name: string) => !name.includes('/_');
  const others = lost.filter((name) => !isData(name));
  if (others.length > 0) return others;
  const named = new Set<string>();
  const entries = [...picture.blobs].filter((name) => logEntry.test(name));
  for (const [index, actions] of (await readEntries(lake, entries)).entries())
    for (const { add } of actions)
      if (add) named.add(`${entries[index]?.split('/')[0]}/${decodeURIComponent(add.path)}`);
  return lost.filter((name) => named.has(name));
}

/** Whether the log of clicks holds an entry. */
export const hasVersion = (lake: ContainerClient, version: number): Promise<boolean> =>
  lake.getBlobClient(`clicks/_delta_log/${String(version).padStart(20, '0')}.json`).exists();

const listTables = async (lake: ContainerClient) => [
  ...(await list(lake, 'clicks/')),
  ...(await list(lake, 'dead_letters/')),
];

/** In the order of the names. */
async function list(lake: ContainerClient, prefix: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of lake.listBlobsFlat({ prefix })) names.push(name);
  return names.sort();
}

const newestVersion = (names: readonly string[]): number =>
  Number(/(\d{20})\.json$/.exec(names.findLast((name) => logEntry.test(name)) ?? '')?.[1] ?? -1);
