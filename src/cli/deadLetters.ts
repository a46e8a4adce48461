import { openExistingLake } from '../lib/app/lake';
import { openSnapshot } from '../lib/delta/openTable';
import { readDataFile } from '../lib/delta/readDataFile';
import type { Snapshot } from '../lib/delta/state';
import { inertInLine } from '../lib/inert';
import { replayLetters } from '../lib/ingest/replayLetters';
import { deadLettersTable, decodeBody } from '../lib/lake/deadLetters';
import { type LetterInfo, readLetters } from '../lib/lake/readLetters';
import { quantity } from '../lib/quantity';
import type { ObjectStore } from '../lib/storage/objectStore';
import type { Stream } from '../lib/streams/stream';
import { recordErased, type UnreadableDeletion } from '../lib/verify/recordErased';
import { verifyStream } from '../lib/verify/verifyStream';
import { readLakeSettings, settingsFlag } from './appSettings';
import { switchFlag } from './commandLine/arguments';
import { action } from './commandLine/command';
import { runCommand } from './commandLine/runCommand';
import { runLong, showFiles } from './longTask';
import { eventWords, noTable, streamWord } from './names';

/*
 * `npm run dead-letters`: lists and shows what could not become a row, and replays it; records what was erased.
 */

runCommand({
  call: 'npm run dead-letters',
  meaning: 'Lists, shows and replays what could not become a row; records what was erased.',
  subcommands: {
    list: action({
      meaning: 'how many there are, by stream and reason',
      flags: settingsFlag,
      run: ({ settings }) => withLetters(settings, list),
    }),
    show: action({
      meaning: "one event's letters, with its body",
      words: eventWords,
      flags: settingsFlag,
      run: ({ settings, ...event }) =>
        withLetters(settings, (snapshot, lake) => show(snapshot, event, lake), 1),
    }),
    replay: action({
      meaning: 'decode the letters again, and append those that are valid now',
      words: { stream: streamWord },
      flags: { 'dry-run': switchFlag('only say what would be appended'), ...settingsFlag },
      run: ({ stream, settings, 'dry-run': dryRun }) => replay(stream, settings, dryRun),
    }),
    erased: action({
      meaning: 'put on record which rows other engines have deleted, so that verify does not miss them',
      words: { stream: streamWord },
      flags: { 'dry-run': switchFlag('only say how many'), ...settingsFlag },
      run: ({ stream, settings, 'dry-run': dryRun }) => recordErasedRows(stream, settings, dryRun),
    }),
  },
});

async function withLetters(
  settings: string | undefined,
  tell: (snapshot: Snapshot, lake: string) => Promise<number>,
  exitCodeWithout = 0,
): Promise<number> {
  const { store, at } = await openExistingLake(await readLakeSettings(settings));
  const snapshot = await openSnapshot(at(deadLettersTable));
  if (snapshot) return tell(snapshot, store.name);
  console.log(noTable(at(deadLettersTable)));
  return exitCodeWithout;
}

const lettersOf = (snapshot: Snapshot, stream?: Stream): Promise<LetterInfo[]> =>
  showFiles('dead letters: file', (onFile) => readLetters(snapshot, stream?.name, onFile));

const iso = (microseconds: number) => new Date(microseconds / 1000).toISOString();

async function list(snapshot: Snapshot): Promise<number> {
  const groups = Map.groupBy(await lettersOf(snapshot), ({ stream, reason }) => `${stream} ${reason}`);
  for (const [name, letters] of [...groups].sort(([, a], [, b]) => b.length - a.length)) {
    const newest = letters.reduce((latest, letter) =>
      letter.receivedAt > latest.receivedAt ? letter : latest,
    );
    console.log(`${String(letters.length).padStart(9)}  ${name}`);
    console.log(
      `           the newest, of ${iso(newest.receivedAt)}: partition ${newest.partition}, sequence number ${newest.sequenceNumber}: ${inertInLine(newest.detail)}`,
    );
  }
  return 0;
}

interface EventAddress {
  readonly stream: Stream;
  readonly partition: number;
  readonly 'sequence-number': number;
}

async function show(
  snapshot: Snapshot,
  { stream, partition, 'sequence-number': sequenceNumber }: EventAddress,
  lake: string,
): Promise<number> {
  const letters = (await lettersOf(snapshot, stream)).filter(
    (letter) => letter.partition === partition && letter.sequenceNumber === sequenceNumber,
  );
  for (const letter of letters) {
    console.log(`element ${letter.element} of an event of the hub made ${iso(letter.hubCreatedAt)}`);
    console.log(`  ${letter.reason}: ${inertInLine(letter.detail)}`);
    console.log(
      `  enqueued ${letter.enqueuedAt === null ? '-' : iso(letter.enqueuedAt)}, received ${iso(letter.receivedAt)}`,
    );
    const body = await readBody(snapshot, letter);
    if (body) console.log(body);
  }
  if (letters.length === 0)
    console.log(
      `${lake} has no dead letter of ${stream.name} partition ${partition}, sequence number ${sequenceNumber}: "npm run trace -- ${stream.name} ${partition} ${sequenceNumber}" says whether the event is a row.`,
    );
  return letters.length === 0 ? 1 : 0;
}

async function readBody(snapshot: Snapshot, { file, row }: LetterInfo): Promise<string | undefined> {
  const { columns } = await readDataFile(snapshot, file, ['body', 'body_encoding']);
  const encoding = columns.get('body_encoding')?.[row] as string | null;
  const body = decodeBody((columns.get('body')?.[row] ?? null) as string | null, encoding);
  if (!body) return undefined;
  return encoding === 'base64' ? `${body.length} bytes, in hex: ${body.toString('hex')}` : body.toString();
}

async function replay(stream: Stream, settings: string | undefined, dryRun: boolean): Promise<number> {
  const { at } = await openExistingLake(await readLakeSettings(settings));
  const letters = at(deadLettersTable);
  const result = await showFiles(
    'replay: file',
    (onFile) => replayLetters({ stream, rows: at(stream.table), letters, dryRun, onFile }),
    'Ended before anything was appended.',
  );
  if (result.appended + result.settled + result.remaining === 0) {
    console.log(`There are no dead letters of ${stream.name}.`);
    return 0;
  }
  const appended = dryRun ? 'would be appended' : 'appended';
  console.log(
    `${stream.name}: ${result.appended} ${appended}, ${result.settled} were rows already, ${result.remaining} remain.`,
  );
  return 0;
}

async function recordErasedRows(
  stream: Stream,
  settings: string | undefined,
  dryRun: boolean,
): Promise<number> {
  const { store, at } = await openExistingLake(await readLakeSettings(settings));
  const letters = at(deadLettersTable);
  const ended = dryRun ? 'Ended before all was read.' : 'Ended before all was put on record: run it again.';
  const { deletions, erased, unreadable } = await runLong(ended, ({ signal, progress }) =>
    recordErased({
      ...{ stream, rows: at(stream.table), letters, dryRun },
      onRead: (step, done, total) => {
        signal.throwIfAborted();
        progress({ step, done, total });
      },
    }),
  );
  if (deletions === 0) {
    console.log(`The logs of ${stream.table} and ${deadLettersTable} hold no DELETE.`);
    return 0;
  }
  const recorded = dryRun ? 'would be put on record as erased' : 'put on record as erased';
  console.log(`${stream.name}: ${quantity(deletions, 'DELETE')}, ${quantity(erased, 'row')} ${recorded}.`);
  if (unreadable.length === 0) return 0;
  tellUnreadable(unreadable);
  if (!dryRun || erased === 0) return tellMissing(stream, store);
  console.log('Whether it is on record already is said without --dry-run.');
  return 0;
}

function tellUnreadable(unreadable: readonly UnreadableDeletion[]): void {
  console.log(`What ${quantity(unreadable.length, 'DELETE')} took away cannot be read any more:`);
  for (const { table, version, why } of unreadable) console.log(`  ${table} version ${version}: ${why}`);
}

/** Looks for missing events in the table. If there are none, all rows that DELETEs took away are on record. Returns the exit code. */
async function tellMissing(stream: Stream, store: ObjectStore): Promise<number> {
  const report = await showFiles(`${stream.table}: file`, (onFile) =>
    verifyStream({ store, stream, onFile }),
  );
  const missing = (report?.partitions ?? []).reduce(
    (sum, { gaps, torn }) => sum + gaps.count + torn.count,
    0,
  );
  if (missing === 0) {
    console.log(`No event of ${stream.name} is missing.`);
    return 0;
  }
  console.log(
    `${quantity(missing, 'event')} of ${stream.name} ${missing === 1 ? 'is' : 'are'} missing. Restore the files from soft delete, and run this again: otherwise verify goes on missing what was not put on record.`,
  );
  return 1;
}
