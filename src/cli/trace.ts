import type { Field, ReadValue } from '../lib/delta/schema';
import { openAzureBlobStore } from '../lib/storage/azureBlobStore';
import { type EventStory, type TracedRow, traceEvent } from '../lib/verify/traceEvent';
import { readAppSettings, settingsFlag } from './appSettings';
import { describeFlags, readFlags, runCommand, UsageError } from './commandLine';
import { readStream } from './streamArgument';

/*
 * `npm run trace -- <stream> <partition> <sequence>`: what became of one event.
 */

const usage = `npm run trace -- <stream> <partition> <sequence> [options]\n${describeFlags(settingsFlag)}`;

runCommand(usage, async (args) => {
  const [name, partitionText, sequenceText, ...rest] = args;
  const stream = await readStream(name);
  const partition = readWhole('partition', partitionText);
  const sequence = readWhole('sequence number', sequenceText);
  const settings = readAppSettings(readFlags(settingsFlag, rest).settings);
  const store = await openAzureBlobStore(settings.lake, settings.lakeContainer);
  const stories = await traceEvent({ store, stream, partition, sequence });
  if (!stories) {
    console.error(`${store.name} has no table ${stream.table}: nothing was ingested yet.`);
    return 1;
  }
  if (stories.length === 0) console.log(`${stream.table} has nothing of partition ${partition}.`);
  for (const story of stories) console.log(describeStory(story, sequence));
  return stories.some(({ outcome }) => outcome === 'found' || outcome === 'never-came') ? 0 : 1;
});

function readWhole(what: string, text: string | undefined): number {
  const value = Number(text);
  if (text !== undefined && /^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new UsageError(`${text ?? 'Nothing'} is no ${what}: expected a whole number from 0 on.`);
}

function describeStory(story: EventStory, sequence: number): string {
  const { partition, version, outcome, commit, rows, letters, first } = story;
  const made = new Date(story.hubCreatedAt / 1000).toISOString();
  const lines = [`event ${sequence} of partition ${partition}, hub made ${made}`];
  const enqueuedAt = [...rows, ...letters].map(({ values }) => values.enqueued_at).find(Boolean);
  if (enqueuedAt !== undefined) lines.push(`  enqueued   ${showTime(enqueuedAt)}`);
  if (outcome === 'not-committed')
    lines.push(`  not committed: the table is at ${version} of this partition`);
  if (outcome === 'below-first') lines.push(`  not kept: the table begins at ${first} of this partition`);
  if (outcome === 'missing') lines.push('  MISSING: it is committed, and neither a row nor a dead letter');
  if (outcome === 'never-came') lines.push('  never came: a dead letter accounts for it');
  if (commit) {
    const when = commit.timestamp === undefined ? '' : ` at ${new Date(commit.timestamp).toISOString()}`;
    lines.push(`  committed  version ${commit.version}${when}${commit.orEarlier ? ', or earlier' : ''}`);
  }
  for (const row of rows) lines.push(...describeRow('row', row));
  for (const letter of letters) lines.push(...describeRow('letter', letter));
  return lines.join('\n');
}

function describeRow(kind: string, { file, values, fields }: TracedRow): string[] {
  const width = Math.max(...fields.map(({ name }) => name.length));
  const lines = fields.map(
    ({ name, type }) => `    ${name.padEnd(width)}  ${show(type, values[name] ?? null)}`,
  );
  return [`  ${kind} in ${file}`, ...lines];
}

/** Bodies may have a megabyte. */
function show(type: Field['type'], value: ReadValue): string {
  if (type === 'timestamp' && value !== null) return showTime(value);
  const text = value instanceof Uint8Array ? Buffer.from(value).toString('hex') : String(value);
  return text.length > 200 ? `${text.slice(0, 199)}…` : text;
}

const showTime = (micros: unknown): string => new Date(Number(micros) / 1000).toISOString();
