import { action, type Given } from '../src/cli/commandLine/command';
import { runCommand } from '../src/cli/commandLine/runCommand';
import { type Action, serializeCommit } from '../src/lib/delta/actions';
import { ourConfiguration } from '../src/lib/delta/commit';
import { commitPath } from '../src/lib/delta/log';
import { encodeParquet } from '../src/lib/delta/parquet/encode';
import { ourProtocol } from '../src/lib/delta/protocol';
import { serializeSchema } from '../src/lib/delta/schema';
import { MemoryStore } from '../src/lib/storage/memoryStore';
import type { ObjectRange } from '../src/lib/storage/objectStore';
import { clickstream } from '../src/lib/streams/clickstream';
import { problemsOf } from '../src/lib/verify/partitionAudit';
import { verifyStream } from '../src/lib/verify/verifyStream';
import { clickFields } from './clickRows';
import { countFlag } from './numbers';

/**
 * Verifies a synthetic table of many rows and prints time and memory. The table is not stored: a file is encoded when it is read, so the
 * measured memory is that of the reader.
 *
 *   npm run bench -- verifyRows [--rows 10000000] [--rows-per-file 10000]
 */
const flags = {
  rows: countFlag('of the table', 10_000_000),
  'rows-per-file': countFlag('of each file', 10_000),
};
type Size = Given<typeof flags>;

const partitions = 4;
const hubCreatedAt = Date.UTC(2026, 0, 1) * 1000;
const fields = clickFields;

/** Columns of one file. Each partition continues after its last event in the previous file. */
function columnsOf(file: number, { rows, 'rows-per-file': rowsPerFile }: Size): number[][] {
  const columns: number[][] = fields.map(() => []);
  for (let row = file * rowsPerFile; row < Math.min(rows, (file + 1) * rowsPerFile); row++) {
    const partition = row % partitions;
    const sequenceNumber = (row - partition) / partitions;
    const values = [
      row % 670,
      hubCreatedAt + row,
      row,
      row % 10,
      hubCreatedAt + row,
      hubCreatedAt,
      partition,
      sequenceNumber,
      0,
    ];
    for (const [column, value] of values.entries()) columns[column]?.push(value);
  }
  return columns;
}

class SyntheticStore extends MemoryStore {
  readonly #size: Size;
  readonly #encoded = new Map<string, Uint8Array>();

  constructor(size: Size) {
    super();
    this.#size = size;
  }

  override async getRange(path: string, start: number, length: number): Promise<ObjectRange | undefined> {
    const file = /file-(\d+)/.exec(path)?.[1];
    if (file === undefined) return super.getRange(path, start, length);
    const bytes = this.#encoded.get(path) ?? encode(Number(file), this.#size);
    // A file is read in several ranges, so keep the newest few files.
    this.#encoded.set(path, bytes);
    if (this.#encoded.size > 8) this.#encoded.delete(this.#encoded.keys().next().value ?? '');
    return { bytes: bytes.subarray(start, start + length), size: bytes.length };
  }
}

const encode = (file: number, size: Size): Uint8Array =>
  encodeParquet({ fields, columns: columnsOf(file, size), where: `file ${file}` }).bytes;

async function main(asked: Size): Promise<number> {
  const { rows } = asked;
  const files = Math.ceil(rows / asked['rows-per-file']);
  const store = new SyntheticStore(asked);
  const metaData = {
    id: 'synthetic',
    format: { provider: 'parquet' },
    schemaString: serializeSchema(fields),
    partitionColumns: [],
    configuration: ourConfiguration,
  };
  const actions: Action[] = [{ protocol: ourProtocol }, { metaData }];
  for (let partition = 0; partition < partitions; partition++) {
    const version = Math.floor((rows - 1 - partition) / partitions);
    actions.push({ txn: { appId: `bench/clicks@2026-01-01t00:00:00.000z/${partition}`, version } });
  }
  for (let file = 0; file < files; file++) {
    const size = encode(file, asked).length;
    const path = `file-${file}.parquet`;
    actions.push({ add: { path, partitionValues: {}, size, modificationTime: 0, dataChange: true } });
  }
  await store.put(commitPath(clickstream.table, 0), serializeCommit(actions));

  const rss = () => process.memoryUsage.rss() / 2 ** 20;
  const before = rss();
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, rss());
  }, 20);
  const started = performance.now();
  const report = await verifyStream({ store, stream: clickstream });
  const seconds = (performance.now() - started) / 1000;
  clearInterval(timer);
  const found = report?.partitions ?? [];
  const problems = found.flatMap(problemsOf);
  const verified = found.reduce((sum, partition) => sum + partition.rows, 0);
  console.log(
    `${verified.toLocaleString('en-US')} rows in ${files} files: ${seconds.toFixed(1)} s (encoding the files included), ` +
      `${before.toFixed(0)} MB before, ${most.toFixed(0)} MB at most; ${problems.join(', ') || 'complete'}`,
  );
  return verified === rows && problems.length === 0 ? 0 : 1;
}

runCommand({
  call: 'npm run bench -- verifyRows',
  does: action({ meaning: 'Time and memory of a proof that each event is there once.', flags, run: main }),
});
