import { fork } from 'node:child_process';
import { once } from 'node:events';
import { startAzurite } from '../local/azurite';
import { numberFlag } from '../src/cli/commandLine/arguments';
import { action, type Given } from '../src/cli/commandLine/command';
import { runCommand } from '../src/cli/commandLine/runCommand';
import { append, createTable } from '../src/lib/delta/commit';
import { openSnapshot, openState } from '../src/lib/delta/openTable';
import type { TableState } from '../src/lib/delta/state';
import { writeDataFile } from '../src/lib/delta/writeDataFile';
import { openAzureBlobStore } from '../src/lib/storage/azureBlobStore';
import { hasPython, Peer, storageOptions } from '../test/kit/peer';
import { type StorageProxy, startStorageProxy } from '../test/kit/storageProxy';
import { clickColumns, clickFields } from './clickRows';
import { median, printTable, rounded } from './numbers';

/*
 * Appends of 1,000 rows to a table on Azurite, by one writer and by four processes at once, ours against Python's deltalake.
 * Both hold their table open, and both go through one proxy that counts requests. Rounds are interleaved, each to a new table.
 *
 *   npm run bench -- appendPeers [--commits 60] [--rounds 3]
 */

const flags = {
  commits: numberFlag({ meaning: 'commits of each writer in a round', fallback: 60, most: 10_000 }),
  rounds: numberFlag({ meaning: 'rounds of each', fallback: 3, most: 100 }),
};
const container = 'bench';
const rows = 1000;
const warmUp = 3;

interface Appended {
  /** Milliseconds of each commit that the writer reported as done. */
  readonly times: number[];
  readonly errors: string[];
}

/** A process that appends to one table. */
interface Writer {
  open(table: string): Promise<unknown>;
  append(commits: number): Promise<Appended>;
  close(): Promise<unknown>;
}

interface Round extends Appended {
  readonly seconds: number;
  readonly requests: number;
  /** The number of commits that a writer reported as done, but that are not in the table. */
  readonly missing: number;
}

const asWriter = process.argv.indexOf('--writer');
if (asWriter > 0) serveWriter(process.argv[asWriter + 1] ?? '');
else
  runCommand({
    call: 'npm run bench -- appendPeers',
    does: action({
      meaning: 'Appends by one writer and by four, against deltalake.',
      flags,
      run: measurePeers,
    }),
  });

async function measurePeers({ commits, rounds }: Given<typeof flags>): Promise<number> {
  const azurite = await startAzurite();
  const proxy = await startStorageProxy(azurite.connectionString);
  try {
    const kinds = [
      { name: 'ours', start: startOurs },
      ...(hasPython() ? [{ name: 'deltalake', start: startPeer }] : []),
    ];
    const lines: string[][] = [];
    for (const count of [1, 4]) {
      const measured = await measure(kinds, count, commits, rounds, proxy);
      const summaries = measured.map((found) => summarize(found));
      for (const [index, { name }] of kinds.entries()) {
        const s = summaries[index];
        if (s)
          lines.push([
            `${count} ${count > 1 ? 'processes' : 'writer'}, ${name}`,
            rounded(s.rate),
            rounded(s.p50),
            rounded(s.requests),
            String(s.failed),
            String(s.lost),
          ]);
      }
      const [ours, theirs] = summaries;
      if (ours && theirs)
        lines.push([
          '   ours / deltalake',
          rounded(ours.rate / theirs.rate),
          rounded(ours.p50 / theirs.p50),
          rounded(ours.requests / theirs.requests),
          '',
          '',
        ]);
    }
    console.log(
      `Appends of ${rows} rows to Azurite, ${commits} commits a writer, median of ${rounds} rounds`,
    );
    printTable(['', 'commits/s', 'p50 ms', 'requests/commit', 'failed', 'lost'], lines);
    if (!hasPython()) console.log('deltalake was not measured: npm run test:interop makes its environment.');
    return 0;
  } finally {
    await proxy.close();
    await azurite.close();
  }
}

async function measure(
  kinds: readonly { name: string; start: (connectionString: string) => Promise<Writer> }[],
  count: number,
  commits: number,
  rounds: number,
  proxy: StorageProxy,
): Promise<Round[][]> {
  const store = await openAzureBlobStore({ connectionString: proxy.connectionString }, container);
  const writers: Writer[][] = [];
  try {
    for (const { start } of kinds)
      writers.push(await Promise.all(Array.from({ length: count }, () => start(proxy.connectionString))));
    const found: Round[][] = kinds.map(() => []);
    for (let round = 0; round < rounds; round++) {
      for (const [index, { name }] of kinds.entries()) {
        const table = `${name}-${count}-${round}`;
        const at = { store, table };
        await createTable(at, clickFields);
        const own = writers[index] ?? [];
        await Promise.all(own.map((writer) => writer.open(table)));
        const first = await Promise.all(own.map((writer) => writer.append(warmUp)));
        proxy.reset();
        const started = performance.now();
        const appended = await Promise.all(own.map((writer) => writer.append(commits)));
        const seconds = (performance.now() - started) / 1000;
        const { puts, gets, lists, others } = proxy.counts;
        const times = appended.flatMap((one) => one.times);
        const done = times.length + first.flatMap((one) => one.times).length;
        const files = (await openSnapshot(at))?.files.size ?? 0;
        found[index]?.push({
          times,
          errors: appended.flatMap((one) => one.errors),
          seconds,
          requests: puts + gets + lists + others,
          missing: done - files,
        });
      }
    }
    return found;
  } finally {
    await Promise.all(writers.flat().map((writer) => writer.close()));
  }
}

const summarize = (rounds: readonly Round[]) => ({
  rate: median(rounds.map(({ times, seconds }) => times.length / seconds)),
  p50: median(rounds.map(({ times }) => median(times))),
  requests: median(rounds.map(({ times, requests }) => requests / times.length)),
  failed: rounds.reduce((sum, { errors }) => sum + errors.length, 0),
  lost: rounds.reduce((sum, { missing }) => sum + missing, 0),
});

async function startPeer(connectionString: string): Promise<Writer> {
  const peer = new Peer('bench/deltalakeWriter.py');
  await peer.call('connect', { storage_options: storageOptions(connectionString) });
  const schema = clickFields.map(({ name, type, nullable }) => [name, type, nullable]);
  await peer.call('load', { schema, columns: clickColumns(rows) });
  return {
    open: (table) => peer.call('open', { uri: `az://${container}/${table}` }),
    append: (commits) => peer.call<Appended>('append', { commits }),
    close: () => peer.close(),
  };
}

async function startOurs(connectionString: string): Promise<Writer> {
  const child = fork(__filename, ['--writer', connectionString]);
  const ask = async (message: object) => {
    child.send(message);
    const [answer] = (await once(child, 'message')) as [unknown];
    return answer;
  };
  return {
    open: (table) => ask({ open: table }),
    append: async (commits) => (await ask({ append: commits })) as Appended,
    close: async () => {
      const exited = once(child, 'exit');
      child.disconnect();
      await exited;
    },
  };
}

/** The code of the child process: opens a table, or appends to it and reports how long each commit took. */
function serveWriter(connectionString: string): void {
  const columns = clickColumns(rows);
  const store = openAzureBlobStore({ connectionString }, container);
  let state: TableState | undefined;
  const appendAll = async (commits: number): Promise<Appended> => {
    const times: number[] = [];
    const errors: string[] = [];
    for (let n = 0; n < commits && state; n++) {
      const started = performance.now();
      try {
        const adds = [await writeDataFile({ at: state.at, fields: clickFields, columns })];
        const txns = [{ appId: `writer ${process.pid}`, version: state.version }];
        state = (await append({ state, fields: clickFields, adds, txns })).state;
        times.push(performance.now() - started);
      } catch (error) {
        errors.push(String(error));
      }
    }
    return { times, errors };
  };
  process.on('message', async (message: { open?: string; append?: number }) => {
    if (message.open !== undefined) state = await openState({ store: await store, table: message.open });
    process.send?.(message.append === undefined ? 'open' : await appendAll(message.append));
  });
}
