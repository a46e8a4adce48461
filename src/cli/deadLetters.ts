import { openSnapshot } from '../lib/delta/openTable';
import { readDataFile } from '../lib/delta/readDataFile';
import type { Snapshot } from '../lib/delta/state';
import { replayLetters } from '../lib/ingest/replayLetters';
import { deadLettersTable, decodeBody } from '../lib/lake/deadLetters';
import { type LetterInfo, readLetters } from '../lib/lake/readLetters';
import { openAzureBlobStore } from '../lib/storage/azureBlobStore';
import type { ObjectStore } from '../lib/storage/objectStore';
import { readAppSettings, settingsFlag } from './appSettings';
import { describeFlags, type Flags, readFlags, runCommand, UsageError } from './commandLine';
import { readStream } from './streamArgument';

/*
 * `npm run dead-letters`: what could not become a row, and the way back.
 */

const flags = {
  'dry-run': { meaning: 'replay: only say what would be appended' },
  ...settingsFlag,
} satisfies Flags;

const usage = `npm run dead-letters -- list [options]                               how many, by stream and reason
npm run dead-letters -- show <stream> <partition> <sequence> [options]    one event's letters, with its body
npm run dead-letters -- replay <stream> [options]                         decode again, and append what passes now
${describeFlags(flags)}`;

runCommand(usage, async ([action, ...args]) => {
  const words = args.slice(0, args.findIndex((arg) => arg.startsWith('--')) >>> 0);
  const values = readFlags(flags, args.slice(words.length));
  const settings = readAppSettings(values.settings);
  const store = await openAzureBlobStore(settings.lake, settings.lakeContainer);
  if (action === 'replay') return replay(store, words[0], values['dry-run'] === true);
  const snapshot = await openSnapshot({ store, table: deadLettersTable });
  if (!snapshot) {
    console.log(`There are no dead letters in ${store.name}.`);
    return 0;
  }
  if (action === 'list') return list(snapshot);
  if (action === 'show') return show(snapshot, words);
  throw new UsageError('Say list, show or replay.');
});

const iso = (microseconds: number) => new Date(microseconds / 1000).toISOString();

async function list(snapshot: Snapshot): Promise<number> {
  const groups = Map.groupBy(await readLetters(snapshot), ({ stream, reason }) => `${stream} ${reason}`);
  for (const [name, letters] of [...groups].sort(([, a], [, b]) => b.length - a.length)) {
    const newest = letters.reduce((latest, letter) =>
      letter.receivedAt > latest.receivedAt ? letter : latest,
    );
    console.log(`${String(letters.length).padStart(9)}  ${name}`);
    console.log(
      `           the newest, of ${iso(newest.receivedAt)}: partition ${newest.partition} sequence ${newest.sequenceNumber}: ${newest.detail}`,
    );
  }
  return 0;
}

async function show(snapshot: Snapshot, [name, partition, sequence]: readonly string[]): Promise<number> {
  const stream = await readStream(name);
  if (!/^\d+$/.test(partition ?? '') || !/^\d+$/.test(sequence ?? '')) {
    throw new UsageError('Name a partition and a sequence number, as list shows them.');
  }
  const letters = (await readLetters(snapshot, stream.name)).filter(
    (letter) => letter.partition === Number(partition) && letter.sequenceNumber === Number(sequence),
  );
  for (const letter of letters) {
    console.log(`element ${letter.element} of an event of the hub made ${iso(letter.hubCreatedAt)}`);
    console.log(`  ${letter.reason}: ${letter.detail}`);
    console.log(
      `  enqueued ${letter.enqueuedAt === null ? '-' : iso(letter.enqueuedAt)}, received ${iso(letter.receivedAt)}`,
    );
    const body = await readBody(snapshot, letter);
    if (body) console.log(body);
  }
  if (letters.length === 0) console.log('There is no such letter.');
  return letters.length === 0 ? 1 : 0;
}

async function readBody(snapshot: Snapshot, { file, row }: LetterInfo): Promise<string | undefined> {
  const { columns } = await readDataFile(snapshot, file, ['body', 'body_encoding']);
  const encoding = columns.get('body_encoding')?.[row] as string | null;
  const body = decodeBody((columns.get('body')?.[row] ?? null) as string | null, encoding);
  if (!body) return undefined;
  // Bytes that are no text would change the terminal's state.
  return encoding === 'base64' ? `${body.length} bytes, in hex: ${body.toString('hex')}` : body.toString();
}

async function replay(store: ObjectStore, name: string | undefined, dryRun: boolean): Promise<number> {
  const stream = await readStream(name);
  const rows = { store, table: stream.table };
  const letters = { store, table: deadLettersTable };
  const result = await replayLetters({ stream, rows, letters, dryRun });
  const appended = dryRun ? 'would be appended' : 'appended';
  console.log(
    `${stream.name}: ${result.appended} ${appended}, ${result.settled} were rows already, ${result.remaining} remain.`,
  );
  return 0;
}
