import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { BlobServiceClient } from '@azure/storage-blob';

/*
 * A reader of Delta logs that shares no code with the product, so that it cannot have the same mistakes. It only reads commits, and
 * refuses a log that was cleaned.
 */

export interface LakeFiles {
  /** Paths on this machine. */
  readonly files: readonly string[];
  readonly commits: number;
}

/** Downloads the files that a table's log names; no files if there is no table. */
export async function downloadTable(
  connectionString: string,
  table: string,
  folder: string,
): Promise<LakeFiles> {
  const lake = BlobServiceClient.fromConnectionString(connectionString).getContainerClient('lake');
  const names: string[] = [];
  for await (const { name } of lake.listBlobsFlat({ prefix: `${table}/_delta_log/` }))
    if (/\/\d{20}\.json$/.test(name)) names.push(name);
  names.sort();
  const texts = await inParallel(names, async (name) =>
    (await lake.getBlobClient(name).downloadToBuffer()).toString(),
  );
  const live = new Set<string>();
  for (const [version, name] of names.entries()) {
    if (!name.endsWith(`/${String(version).padStart(20, '0')}.json`))
      throw new Error(`${table}: the log has no version ${version}.`);
    for (const line of (texts[version] ?? '').split('\n').filter(Boolean)) {
      const { add, remove } = JSON.parse(line) as { add?: { path: string }; remove?: { path: string } };
      if (add) live.add(decodeURIComponent(add.path));
      if (remove) live.delete(decodeURIComponent(remove.path));
    }
  }
  mkdirSync(join(folder, table), { recursive: true });
  const files = await inParallel([...live], async (path) => {
    const file = join(folder, table, path.replaceAll('/', '_'));
    await lake.getBlobClient(`${table}/${path}`).downloadToFile(file);
    return file;
  });
  return { files, commits: names.length };
}

/** Works on a few items at a time. The results are in the order of the items. */
export async function inParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results = new Array<R>(items.length);
  const entries = items.entries();
  const take = async () => {
    for (const [index, item] of entries) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: 8 }, take));
  return results;
}
