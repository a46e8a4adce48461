import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { startAzurite } from '../../local/azurite';
import { startChild } from '../../local/childProcess';
import { createTable } from '../../src/lib/delta/commit';
import { openAzureBlobStore } from '../../src/lib/storage/azureBlobStore';
import { downloadTable } from './lakeFiles';
import { raceFields } from './writer';

export interface RaceOptions {
  readonly writers: number;
  /** The number of commits of each writer. */
  readonly commits: number;
  readonly folder: string;
  readonly log: (line: string) => void;
}

/** Lets processes race for the versions of one table. Returns the problems. */
export async function raceWriters({ writers, commits, folder, log }: RaceOptions): Promise<string[]> {
  const azurite = await startAzurite({ dataDir: join(folder, 'storage') });
  try {
    const { connectionString } = azurite;
    const store = await openAzureBlobStore({ connectionString }, 'lake');
    await createTable({ store, table: 'race' }, raceFields);
    const started = performance.now();
    const children = await Promise.all(
      Array.from({ length: writers }, (_, writer) =>
        startChild({
          name: `writer ${writer}`,
          argv: [join(__dirname, 'writer.js'), connectionString, String(writer), String(commits)],
          logFile: join(folder, `writer-${writer}.log`),
          ready: /writer ready/,
        }),
      ),
    );
    const codes = await Promise.all(children.map(({ exited }) => exited));
    const seconds = (performance.now() - started) / 1000;
    const wanted = writers * commits;
    log(
      `${writers} writers, ${wanted} commits in ${seconds.toFixed(1)} s: ${(wanted / seconds).toFixed(1)} a second`,
    );
    const problems = codes.flatMap((code, writer) =>
      code === 0 ? [] : [`Writer ${writer} ended with ${code}; see ${folder}.`],
    );
    const table = await downloadTable(connectionString, 'race', folder);
    const found = await countRows(table.files);
    log(
      `the log has ${table.commits - 1} commits; DuckDB finds ${found.rows} rows, ${found.different} different`,
    );
    if (table.commits - 1 !== wanted)
      problems.push(`${wanted} commits were made and ${table.commits - 1} are there.`);
    if (found.rows !== wanted || found.different !== wanted)
      problems.push(
        `${wanted} rows were written; ${found.rows} are there, ${found.different} different ones.`,
      );
    return problems;
  } finally {
    await azurite.close();
  }
}

async function countRows(files: readonly string[]): Promise<{ rows: number; different: number }> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '2' });
  const connection = await instance.connect();
  const list = files.map((file) => `'${file}'`).join(',');
  const reader = await connection.runAndReadAll(
    `SELECT count(*) AS rows, count(DISTINCT (writer, number)) AS different FROM read_parquet([${list}])`,
  );
  const [counts = {}] = reader.getRowObjectsJson();
  connection.closeSync();
  instance.closeSync();
  return { rows: Number(counts.rows), different: Number(counts.different) };
}
