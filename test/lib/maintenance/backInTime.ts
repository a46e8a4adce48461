import { append } from '../../../src/lib/delta/commit';
import { listLogFiles, type TableLocation } from '../../../src/lib/delta/log';
import type { TableState } from '../../../src/lib/delta/state';
import { writeDataFile } from '../../../src/lib/delta/writeDataFile';
import { fields } from './table';

type Objects = ReadonlyMap<string, Uint8Array>;

/** Every object of the store, for comparing before and after. */
export async function objectsOf({ store }: TableLocation, prefix = ''): Promise<Map<string, Uint8Array>> {
  const objects = new Map<string, Uint8Array>();
  for await (const { path } of store.list(prefix)) {
    const found = await store.get(path);
    if (found) objects.set(path, found.bytes);
  }
  return objects;
}

/** Storage as it was at a version, the pointer to the last checkpoint excepted: the log's files above are gone, and returned. */
export async function goBackTo(at: TableLocation, version: number): Promise<Objects> {
  const lost = new Map<string, Uint8Array>();
  for await (const file of listLogFiles(at)) {
    if ((file.version ?? -1) <= version) continue;
    lost.set(file.path, (await at.store.get(file.path))?.bytes ?? new Uint8Array());
    await at.store.delete(file.path);
  }
  return lost;
}

/** Puts lost log files of some versions back, or all of them: they were written after storage had gone back. */
export async function strand(at: TableLocation, lost: Objects, ...versions: number[]): Promise<void> {
  for (const [path, bytes] of lost) {
    const version = Number(/(\d{20})\.[^/]+$/.exec(path)?.[1]);
    if (versions.length === 0 || versions.includes(version)) await at.store.put(path, bytes);
  }
}

/** The commit of one row, made on a version right below `version` that the log never had. */
export async function commitFarAbove(state: TableState, version: number): Promise<TableState> {
  const add = await writeDataFile({ at: state.at, fields, columns: [[version], ['far above']] });
  const lost = { ...state, version: version - 1, mark: 'f'.repeat(32) };
  const { outcome, state: after } = await append({
    state: lost,
    fields,
    adds: [add],
    txns: [{ appId: 'p0', version: 100_000 + version }],
  });
  if (outcome !== 'committed' || after.version !== version) throw new Error(`version ${version} is taken`);
  return after;
}
