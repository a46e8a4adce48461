import { openExistingLake } from '../lib/app/lake';
import { describeSchema } from '../lib/delta/schema';
import { lakeTables } from '../lib/lake/tables';
import { LakeDatabase } from '../lib/lakeQuery/lakeDatabase';
import { type SavedQuery, savedQueries } from '../lib/lakeQuery/savedQueries';
import { loadStreams } from '../lib/streams/loadStreams';
import { readLakeSettings, settingsFlag } from './appSettings';
import { numberFlag, switchFlag } from './commandLine/arguments';
import { action, optional, orList, UsageError, type Word } from './commandLine/command';
import { interrupted, onInterrupt } from './commandLine/interrupts';
import { runCommand } from './commandLine/runCommand';
import { readStatements } from './queryPrompt';
import { QuerySession, type SessionOptions } from './querySession';

/*
 * `npm run query`: SQL over the lake's Delta tables, by the files that their logs name, without the app and without a warehouse.
 */

const knownQueries = async () => savedQueries(await loadStreams());

/** The name of a saved query, or a statement. They cannot be confused, because no statement is a single word. */
const statementWord: Word<string> = {
  noun: 'query',
  expected: async () =>
    `a SELECT statement in quotes, or ${orList((await knownQueries()).map(({ name }) => name))}`,
  read: async (given) => (/\s/.test(given.trim()) ? given : findSaved(await knownQueries(), given)),
};

const findSaved = (saved: readonly SavedQuery[], given: string): string | undefined =>
  saved.find(({ name }) => name === given.trim())?.statement;

const flags = {
  list: switchFlag('the tables and their columns, and the saved queries'),
  csv: switchFlag('all rows as CSV'),
  json: switchFlag('all rows as a JSON array of objects'),
  rows: numberFlag({
    meaning: 'how many rows a table shows, by default 100',
    fallback: undefined,
    least: 1,
    most: 1_000_000,
    whole: true,
  }),
  version: numberFlag({
    meaning: 'the version of the one table that the statement reads; without it, the newest of each',
    fallback: undefined,
    most: Number.MAX_SAFE_INTEGER,
    whole: true,
  }),
  ...settingsFlag,
};

runCommand({
  call: 'npm run query',
  does: action({
    meaning:
      'Runs SQL (of DuckDB) over the tables of the lake: one statement, or those that it asks for, or those of stdin.',
    words: { query: optional(statementWord) },
    flags,
    run: async ({ query, list, csv, json, rows, version, settings }) => {
      if (csv && json)
        throw new UsageError('--csv and --json are two forms of the rows: leave one of them out.');
      if (rows !== undefined && (csv || json))
        throw new UsageError(`--${csv ? 'csv' : 'json'} writes all rows: leave out --rows.`);
      if (list) {
        const given = Object.entries({ query, csv, json, rows, version }).find(
          ([, value]) => value !== undefined && value !== false,
        );
        if (!given) return printList();
        const name = given[0] === 'query' ? 'query' : `--${given[0]}`;
        throw new UsageError(`--list takes no ${name}: leave one of them out.`);
      }
      const format = csv ? 'csv' : json ? 'json' : 'table';
      return withSession(settings, { format, mostRows: rows ?? 100, version }, async (session) => {
        if (query === undefined) return readAll(session);
        return (await session.run(query)) === 'done' ? 0 : interrupted;
      });
    },
  }),
});

async function printList(): Promise<number> {
  const streams = await loadStreams();
  console.log('Tables');
  for (const { name, fields } of lakeTables(streams)) console.log(`  ${name}: ${describeSchema(fields)}`);
  console.log('Saved queries, which are also views');
  for (const { name, meaning } of savedQueries(streams)) console.log(`  ${name}: ${meaning}`);
  return 0;
}

async function withSession(
  file: string | undefined,
  options: SessionOptions,
  work: (session: QuerySession) => Promise<number>,
): Promise<number> {
  const lake = await openExistingLake(await readLakeSettings(file));
  const database = await LakeDatabase.open({
    tables: lake.tables.map(({ name }) => lake.at(name)),
    saved: await knownQueries(),
  });
  const session = new QuerySession(database, options);
  onInterrupt(
    (count) => (session.stop() && count === 1 ? undefined : process.exit(interrupted)),
    ['SIGINT', 'SIGTERM', 'SIGHUP'],
  );
  try {
    return await work(session);
  } finally {
    await database.close();
  }
}

async function readAll(session: QuerySession): Promise<number> {
  const saved = await knownQueries();
  const count = await readStatements({
    session,
    findSaved: (name) => findSaved(saved, name),
    printList: () => void printList(),
  });
  if (count === 0 && !process.stdin.isTTY) throw new UsageError('There is no statement, and stdin has none.');
  return 0;
}
