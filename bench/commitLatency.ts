import { startAzurite } from '../local/azurite';
import { numberFlag } from '../src/cli/commandLine/arguments';
import { action, type Given } from '../src/cli/commandLine/command';
import { runCommand } from '../src/cli/commandLine/runCommand';
import { serializeCommit } from '../src/lib/delta/actions';
import { append, createTable } from '../src/lib/delta/commit';
import { commitPath, type TableLocation } from '../src/lib/delta/log';
import { openState } from '../src/lib/delta/openTable';
import type { TableState } from '../src/lib/delta/state';
import { writeDataFile } from '../src/lib/delta/writeDataFile';
import { inParallel } from '../src/lib/inParallel';
import { checkpoint } from '../src/lib/maintenance/checkpoint';
import { openAzureBlobStore } from '../src/lib/storage/azureBlobStore';
import { countCalls } from '../test/kit/countingStore';
import { hasPython, Peer, storageOptions } from '../test/kit/peer';
import { startStorageProxy } from '../test/kit/storageProxy';
import { clickColumns, clickFields } from './clickRows';
import { median, percentile, printTable, rounded } from './numbers';

/*
 * Latency of a commit (a data file of 100 rows and the log entry) to tables of 10, 1,000 and 10,000 versions on Azurite, ours
 * against Python's deltalake, both with the table held open. One commit to each table in turn.
 *
 *   npm run bench -- commitLatency [--commits 150] [--peer-commits 5]
 */

const flags = {
  commits: numberFlag({ meaning: 'commits to each table', fallback: 150, most: 100_000 }),
  'peer-commits': numberFlag({ meaning: 'the same of deltalake', fallback: 5, most: 100_000 }),
};
const versions = [10, 1000, 10_000];
const columns = clickColumns(100);
const container = 'bench';

runCommand({
  call: 'npm run bench -- commitLatency',
  does: action({
    meaning: 'A commit to tables of 10, 1,000 and 10,000 versions, against deltalake.',
    flags,
    run: measureCommits,
  }),
});

async function measureCommits({
  commits,
  'peer-commits': peerCommits,
}: Given<typeof flags>): Promise<number> {
  const azurite = await startAzurite();
  const proxy = await startStorageProxy(azurite.connectionString);
  try {
    const account = { connectionString: azurite.connectionString };
    const { store, counts } = countCalls(await openAzureBlobStore(account, container));
    const tables = versions.map((version) => ({ store, table: `v${version}` }));
    console.log('Making the tables…');
    for (const [index, at] of tables.entries()) await makeVersions(at, versions[index] ?? 0);
    const ours = await measureOurs(tables, commits, () => counts.clear());
    const perCommit = new Map([...counts].map(([name, calls]) => [name, calls / (commits * tables.length)]));
    const uris = tables.map(({ table }) => `az://${container}/${table}`);
    const isPeerThere = hasPython() && peerCommits > 0;
    const peer = isPeerThere ? await measurePeer(uris, peerCommits, proxy.connectionString) : [];
    console.log(
      `A commit of 100 rows, milliseconds, ${commits} commits to each table (deltalake: ${peerCommits})`,
    );
    printTimes(ours, peer);
    console.log(
      `Storage calls per commit of ours: ${[...perCommit].map(([name, n]) => `${name} ${rounded(n)}`).join(', ')}`,
    );
    if (!hasPython()) console.log('deltalake was not measured: npm run test:interop makes its environment.');
    const grown = median(ours.at(-1) ?? []) > median(ours[0] ?? []) * 1.1;
    const lean = perCommit.get('put') === 1 && perCommit.get('putIfAbsent') === 1 && perCommit.size === 2;
    if (grown) console.log('The median grew by more than 10 %: on a quiet machine it should not.');
    if (!lean) console.log('A commit was expected to be one put and one putIfAbsent, and nothing else.');
    return lean ? 0 : 1;
  } finally {
    await proxy.close();
    await azurite.close();
  }
}

/** Prints the milliseconds of the commits to each table, in the order of `versions`. */
function printTimes(ours: readonly number[][], peer: readonly number[][]): void {
  const base = median(ours[0] ?? []);
  const rows = versions.map((version, index) => {
    const mine = ours[index] ?? [];
    const theirs = median(peer[index] ?? []);
    return [
      version.toLocaleString('en-US'),
      rounded(median(mine)),
      rounded(percentile(mine, 0.99)),
      `${median(mine) >= base ? '+' : ''}${rounded((median(mine) / base - 1) * 100)} %`,
      rounded(theirs),
      rounded(theirs / median(mine)),
    ];
  });
  printTable(['version', 'ours p50', 'ours p99', 'growth', 'deltalake p50', 'deltalake / ours'], rows);
}

/** A table with this many versions and a checkpoint near the end. Each version adds a file that does not exist in the store. */
async function makeVersions(at: TableLocation, version: number): Promise<void> {
  await createTable(at, clickFields);
  const stats = '{"numRecords":100}';
  const versions = Array.from({ length: version }, (_, index) => index + 1);
  await inParallel(versions, 16, (each) => {
    const add = {
      path: `part-${each}.parquet`,
      partitionValues: {},
      size: 5000,
      modificationTime: 1_780_000_000_000,
      dataChange: true,
      stats,
    };
    return at.store.put(commitPath(at.table, each), serializeCommit([{ commitInfo: {} }, { add }]));
  });
  await checkpoint({ at });
}

async function measureOurs(
  tables: readonly TableLocation[],
  commits: number,
  begin: () => void,
): Promise<number[][]> {
  const states = await Promise.all(tables.map((at) => openState(at)));
  const times: number[][] = tables.map(() => []);
  const commit = async (table: number) => {
    const state = states[table] as TableState;
    const adds = [await writeDataFile({ at: state.at, fields: clickFields, columns })];
    const txns = [{ appId: 'bench', version: state.version }];
    states[table] = (await append({ state, fields: clickFields, adds, txns })).state;
  };
  // Warm up: the first commits are slower, because of connections and code that is not compiled yet.
  for (let n = 0; n < 60; n++) for (const table of tables.keys()) await commit(table);
  begin();
  for (let n = 0; n < commits; n++) {
    for (let turn = 0; turn < tables.length; turn++) {
      // Each round begins with another table.
      const table = (n + turn) % tables.length;
      const started = performance.now();
      await commit(table);
      times[table]?.push(performance.now() - started);
    }
  }
  return times;
}

/** Measures deltalake through the proxy, because it cannot use Azurite directly. */
async function measurePeer(
  uris: readonly string[],
  commits: number,
  connectionString: string,
): Promise<number[][]> {
  const writers: Peer[] = [];
  try {
    for (const uri of uris) {
      const writer = new Peer('bench/deltalakeWriter.py');
      writers.push(writer);
      await writer.call('connect', { storage_options: storageOptions(connectionString) });
      await writer.call('load', {
        schema: clickFields.map(({ name, type, nullable }) => [name, type, nullable]),
        columns,
      });
      await writer.call('open', { uri });
    }
    const times: number[][] = uris.map(() => []);
    for (let n = 0; n <= commits; n++) {
      for (const [index, writer] of writers.entries()) {
        const { times: took, errors } = await writer.call<{ times: number[]; errors: string[] }>('append', {
          commits: 1,
        });
        if (errors[0]) throw new Error(`deltalake: ${errors[0]}`);
        if (n > 0) times[index]?.push(...took);
      }
    }
    return times;
  } finally {
    for (const writer of writers) await writer.close();
  }
}
