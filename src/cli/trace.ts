import { openExistingLake } from '../lib/app/lake';
import type { TableLocation } from '../lib/delta/log';
import type { Field, ReadValue } from '../lib/delta/schema';
import { inertInLine } from '../lib/inert';
import type { Stream } from '../lib/streams/stream';
import {
  type EventStory,
  partitionsOf,
  type TracedReplay,
  type TracedRow,
  traceEvent,
} from '../lib/verify/traceEvent';
import { readLakeSettings, settingsFlag } from './appSettings';
import { action } from './commandLine/command';
import { runCommand } from './commandLine/runCommand';
import { eventWords, noTable } from './names';

/*
 * `npm run trace -- <stream> <partition> <sequence-number>`: tells what became of one event.
 */

runCommand({
  call: 'npm run trace',
  does: action({
    meaning: 'Tells what became of one event.',
    words: eventWords,
    flags: settingsFlag,
    run: trace,
  }),
});

interface Traced {
  readonly stream: Stream;
  readonly partition: number;
  readonly 'sequence-number': number;
  readonly settings: string | undefined;
}

async function trace({
  stream,
  partition,
  'sequence-number': sequenceNumber,
  settings,
}: Traced): Promise<number> {
  const { store, at } = await openExistingLake(await readLakeSettings(settings));
  const stories = await traceEvent({ store, stream, partition, sequenceNumber });
  if (!stories) {
    console.error(noTable(at(stream.table)));
    return 1;
  }
  if (stories.length === 0) console.log(await tellPartitions(at(stream.table), partition));
  for (const story of stories) console.log(describeStory(story, stream, sequenceNumber));
  return stories.some(({ outcome }) => outcome === 'found' || outcome === 'never-came') ? 0 : 1;
}

/** Says which partitions there are. A partition of the hub that never had an event is not among them. */
async function tellPartitions(at: TableLocation, asked: number): Promise<string> {
  const known = await partitionsOf(at);
  const others =
    known.length === 0
      ? 'nothing was ingested yet'
      : `it has those of ${quantityOf(known)} ${known.join(', ')}`;
  return `${at.table} has no events of partition ${asked}: ${others}.`;
}

const quantityOf = ({ length }: readonly number[]) => (length === 1 ? 'partition' : 'partitions');

function describeStory(story: EventStory, stream: Stream, sequenceNumber: number): string {
  const { partition, version, outcome, rows, letters, first } = story;
  const made = new Date(story.hubCreatedAt / 1000).toISOString();
  const lines = [`event ${sequenceNumber} of partition ${partition}, hub made ${made}`];
  const enqueuedAt = [...rows, ...letters].map(({ values }) => values.enqueued_at).find(Boolean);
  if (enqueuedAt !== undefined) lines.push(`  enqueued   ${showTime(enqueuedAt)}`);
  if (outcome === 'not-committed')
    lines.push(
      `  not committed: the table is at ${version} of this partition`,
      `  how many events wait in the hub: npm run verify -- ${stream.name}`,
    );
  if (outcome === 'after-last')
    lines.push(`  never committed: the table has events up to ${version}, then those of a hub made later`);
  if (outcome === 'below-first') lines.push(`  not kept: the table begins at ${first} of this partition`);
  if (outcome === 'missing')
    lines.push(
      '  MISSING: it is committed, and neither a row nor a dead letter',
      `  what to do: npm run verify -- ${stream.name}`,
    );
  if (outcome === 'never-came') lines.push('  never came: a dead letter accounts for it');
  lines.push(...describeCommits(story));
  for (const row of rows) lines.push(...describeRow('row', row));
  for (const letter of letters) lines.push(...describeRow('letter', letter));
  return lines.join('\n');
}

/**
 * Lines about the version that committed the event, and about a replay. The rows are in that version too, unless they became dead letters.
 */
function describeCommits({ commit, replay }: EventStory): string[] {
  const lines: string[] = [];
  if (commit) {
    const earlier = commit.orEarlier ? ', or earlier' : '';
    const isReplayed = replay ? ', as a dead letter' : '';
    lines.push(`  committed  ${versionOf(commit)}${earlier}${isReplayed}`);
  }
  if (replay) lines.push(`  replayed   ${versionOf(replay)}, which has the row`);
  return lines;
}

const versionOf = ({ version, timestamp }: TracedReplay): string =>
  `version ${version}${timestamp === undefined ? '' : ` at ${new Date(timestamp).toISOString()}`}`;

function describeRow(kind: string, { file, values, fields }: TracedRow): string[] {
  const width = Math.max(...fields.map(({ name }) => name.length));
  const lines = fields.map(
    ({ name, type }) => `    ${name.padEnd(width)}  ${show(type, values[name] ?? null)}`,
  );
  return [`  ${kind} in ${file.path}`, ...lines];
}

/** A value as text, shortened: a body may have a megabyte. */
function show(type: Field['type'], value: ReadValue): string {
  if (type === 'timestamp' && value !== null) return showTime(value);
  const text = value instanceof Uint8Array ? Buffer.from(value).toString('hex') : String(value);
  return inertInLine(text.length > 200 ? `${text.slice(0, 199)}…` : text);
}

const showTime = (micros: unknown): string => new Date(Number(micros) / 1000).toISOString();
