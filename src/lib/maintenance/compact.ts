import type { Add, Commit } from '../delta/actions';
import { commitAmongRivals } from '../delta/commit';
import { describeVersion } from '../delta/log';
import { updateSnapshot } from '../delta/openTable';
import { ParquetEncoder } from '../delta/parquet/encode';
import { type FileRows, readDataFile, readDataFileGroups } from '../delta/readDataFile';
import type { Value } from '../delta/schema';
import type { Snapshot, TableState } from '../delta/state';
import { storeDataFile } from '../delta/writeDataFile';
import { planBins } from './planBins';
import { type MaintenanceTask, type NoTable, openForMaintenance } from './task';

const defaultTargetBytes = 32 * 1024 * 1024;
/** Rows are encoded once so many, or so many bytes of text among them, are together: the peak of memory. */
const pendingRows = 65_536;
const pendingBytes = 32 * 1024 * 1024;
/** Files up to this size are read whole, so many at once. */
const smallFile = 1024 * 1024;
const readAhead = 8;

export interface CompactTask extends MaintenanceTask {
  /** Size of the files that come out, 32 MiB unless told; files of half that size are left alone. */
  readonly targetBytes?: number;
  /** Says what would be done, and does nothing. */
  readonly dryRun?: boolean;
}

/** What became of one bin. `conflict`: one of its files was removed meanwhile, or the table changed its schema. */
export interface BinOutcome {
  readonly outcome: 'committed' | 'conflict' | 'planned';
  /** The version that holds the new file. */
  readonly version?: number;
  readonly inputs: number;
  readonly inputBytes: number;
  readonly outputBytes?: number;
}

export type CompactOutcome =
  | { readonly outcome: 'done'; readonly version: number; readonly bins: readonly BinOutcome[] }
  | NoTable;

/**
 * Rewrites many small files as few large ones. Each bin is a commit of its own that removes its files and adds the new
 * one, both with dataChange false, so that a stream reading the table sees no new rows. Appends go on meanwhile: a bin
 * conflicts only with a commit that removes one of its files or changes protocol or metaData, and then its other bins
 * still count. A new file whose commit conflicted is left to vacuum.
 * @throws `parquet.invalid` naming the file when one is gone or damaged; `delta.unsupported`, `delta.contention`
 */
export async function compact(task: CompactTask): Promise<CompactOutcome> {
  const { signal, progress, targetBytes = defaultTargetBytes, dryRun = false } = task;
  let snapshot = await openForMaintenance(task);
  if (!snapshot) return { outcome: 'no-table' };
  const plan = planBins([...snapshot.files.values()], targetBytes);
  const bins: BinOutcome[] = [];
  for (const inputs of plan) {
    signal?.throwIfAborted();
    progress?.({ step: 'compact', done: bins.length, total: plan.length });
    const inputBytes = inputs.reduce((sum, { size }) => sum + size, 0);
    const about = { inputs: inputs.length, inputBytes };
    if (dryRun) {
      bins.push({ outcome: 'planned', ...about });
      continue;
    }
    // What came in while the bin before was written may have removed files of this one.
    snapshot = await updateSnapshot(snapshot);
    const { files } = snapshot;
    if (!inputs.every(({ path }) => files.has(path))) {
      bins.push({ outcome: 'conflict', ...about });
      continue;
    }
    const output = await rewrite(snapshot, inputs, signal);
    const { outcome, state } = await commitBin(withoutFiles(snapshot), inputs, output, targetBytes);
    const version = outcome === 'committed' ? { version: state.version } : {};
    bins.push({ outcome, ...about, ...version, outputBytes: output.size });
  }
  progress?.({ step: 'compact', done: bins.length, total: plan.length });
  return { outcome: 'done', version: bins.at(-1)?.version ?? snapshot.version, bins };
}

/** What a commit is made on top of: without the files, which another commit would have it copy. */
function withoutFiles({ files: _files, tombstones: _tombstones, ...state }: Snapshot): TableState {
  return state;
}

/** Reads the files row group by row group into one new file of the table's schema; what they lack is null. */
async function rewrite(snapshot: Snapshot, inputs: readonly Add[], signal?: AbortSignal): Promise<Add> {
  const { at, version, fields } = snapshot;
  const where = `${describeVersion(at, version)}, compaction`;
  const encoder = new ParquetEncoder({ fields, where });
  const names = fields.map(({ name }) => name);
  let columns: Value[][] = fields.map(() => []);
  let bytes = 0;
  const flush = async () => {
    for (const _ of encoder.append(columns)) await nextTurn();
    columns = fields.map(() => []);
    bytes = 0;
  };
  for await (const group of readInputs(snapshot, inputs, names)) {
    signal?.throwIfAborted();
    for (const [index, name] of names.entries())
      bytes += copyValues(group.columns.get(name) ?? [], columns[index] ?? []);
    if ((columns[0]?.length ?? 0) >= pendingRows || bytes >= pendingBytes) await flush();
  }
  if ((columns[0]?.length ?? 0) > 0) await flush();
  signal?.throwIfAborted();
  return storeDataFile(at, fields, encoder.finish(), false);
}

/** Rows of all files in their order. Small ones are read whole and ahead: thousands, one after the other, would take minutes. */
async function* readInputs(snapshot: Snapshot, inputs: readonly Add[], names: readonly string[]) {
  const ahead = new Map<Add, Promise<FileRows>>();
  for (const [index, add] of inputs.entries()) {
    for (const near of inputs.slice(index, index + readAhead)) {
      if (near.size > smallFile || ahead.has(near)) continue;
      const reading = readDataFile(snapshot, near, names);
      // Awaited in its turn; never, when a file before it failed.
      reading.catch(() => {});
      ahead.set(near, reading);
    }
    const whole = ahead.get(add);
    if (whole) yield await whole;
    else yield* readDataFileGroups(snapshot, add, names);
    ahead.delete(add);
  }
}

/** Lets other work go on. */
const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

/** Returns the bytes of text among the values. The encoder refuses what is no value of the column. */
function copyValues(from: readonly unknown[], into: Value[]): number {
  let bytes = 0;
  for (const value of from) {
    if (typeof value === 'string' || value instanceof Uint8Array) bytes += value.length;
    into.push(value as Value);
  }
  return bytes;
}

function commitBin(state: TableState, inputs: readonly Add[], output: Add, targetBytes: number) {
  const deletionTimestamp = Date.now();
  const paths = new Set(inputs.map(({ path }) => path));
  const removes = inputs.map(({ path, partitionValues, size }) => ({
    remove: { path, deletionTimestamp, dataChange: false, extendedFileMetadata: true, partitionValues, size },
  }));
  return commitAmongRivals({
    state,
    actions: [...removes, { add: output }],
    description: {
      operation: 'OPTIMIZE',
      operationParameters: { predicate: '[]', targetSize: String(targetBytes) },
      operationMetrics: {
        numRemovedFiles: String(inputs.length),
        numRemovedBytes: String(inputs.reduce((sum, { size }) => sum + size, 0)),
        numAddedFiles: '1',
        numAddedBytes: String(output.size),
      },
      isBlindAppend: false,
    },
    conflictsWith: (rival: Commit) =>
      rival.protocol !== undefined ||
      rival.metaData !== undefined ||
      [...rival.removes, ...rival.adds].some(({ path }) => paths.has(path)),
  });
}
