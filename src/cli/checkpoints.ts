import { skipEvents } from '../lib/app/ingest';
import { resetRemedy } from '../lib/health/remedies';
import { HubDirectory } from '../lib/ingest/hubDirectory';
import { quantity } from '../lib/quantity';
import type { Settings } from '../lib/settings';
import { openHubClient } from '../lib/sources/hubClient';
import { openAzureBlobStore } from '../lib/storage/azureBlobStore';
import {
  checkpointFolder,
  type KeptPosition,
  type ReaderGroup,
  TriggerCheckpoints,
} from '../lib/storage/triggerCheckpoints';
import type { Stream } from '../lib/streams/stream';
import { readAppSettings, settingsFlag } from './appSettings';
import { wholeWord } from './commandLine/arguments';
import { action } from './commandLine/command';
import { describeError, runCommand } from './commandLine/runCommand';
import { streamWord } from './names';

/*
 * `npm run checkpoints`: shows from where the trigger reads on, and offers two remedies. Neither can double a row, because the
 * Delta table records which events it has.
 *
 * - `reset`: for a hub that was deleted and made again. The old positions point past its end, or into its middle.
 * - `skip`: for a partition that is stuck at an event which the trigger cannot read.
 */

runCommand({
  call: 'npm run checkpoints',
  meaning: "The read positions that the Functions host keeps for a stream's trigger.",
  subcommands: {
    list: action({
      meaning: 'after which event the trigger reads each partition on, and whether an app reads it now',
      words: { stream: streamWord },
      flags: settingsFlag,
      run: async ({ stream, settings }) => list(stream, await readAppSettings(settings)),
    }),
    reset: action({
      meaning: 'delete the positions; stop the app first, and start it again afterwards',
      words: { stream: streamWord },
      flags: settingsFlag,
      run: async ({ stream, settings }) => reset(stream, await readAppSettings(settings)),
    }),
    skip: action({
      meaning:
        'free a partition that is stuck at an event which the trigger cannot read; stop the app first, and start it again afterwards',
      words: { stream: streamWord, partition: wholeWord('partition') },
      flags: settingsFlag,
      run: async ({ stream, partition, settings }) =>
        skip(stream, String(partition), await readAppSettings(settings)),
    }),
  },
});

async function readerGroup(stream: Stream, settings: Settings): Promise<ReaderGroup> {
  const { namespace, hub: eventHubName } = settings.hub(stream, 'listen');
  const { fullyQualifiedNamespace } = await openHubClient(namespace, eventHubName);
  return { fullyQualifiedNamespace, eventHubName, consumerGroup: settings.consumerGroup };
}

async function openCheckpoints(stream: Stream, settings: Settings): Promise<TriggerCheckpoints> {
  return new TriggerCheckpoints(settings.hostStorage(), await readerGroup(stream, settings));
}

async function list(stream: Stream, settings: Settings): Promise<number> {
  const checkpoints = await openCheckpoints(stream, settings);
  const [positions, holders] = await Promise.all([checkpoints.positions(), checkpoints.holders()]);
  const heads = await headsOfHub(stream, settings);
  const ages = new Map(holders.map(({ partitionId, ageMs }) => [partitionId, ageMs]));
  const known = new Map(positions.map((position) => [position.partitionId, position]));
  const partitions = [...new Set([...known.keys(), ...ages.keys(), ...(heads?.keys() ?? [])])];
  let isBeyond = false;
  for (const partitionId of partitions.sort((a, b) => Number(a) - Number(b))) {
    const ageMs = ages.get(partitionId);
    const reader = ageMs === undefined ? 'no app reads it' : `an app reads it (${describeClaim(ageMs)})`;
    const position = known.get(partitionId);
    const beyond = beyondHead(position, heads?.get(partitionId));
    isBeyond ||= beyond !== undefined;
    const wrong = heads?.has(partitionId) === false ? 'the hub has no such partition' : beyond;
    const told = [describePosition(position, ageMs), reader, ...(wrong ? [wrong] : [])];
    console.log(`partition ${partitionId}  ${told.join('; ')}`);
  }
  if (isBeyond) {
    const { command } = resetRemedy(stream.name);
    console.log(`The hub was deleted and made again: stop the app, run "${command}", and start it.`);
  }
  if (known.size === 0 && ages.size === 0) tellNone(stream, settings);
  return 0;
}

/** The newest sequence number of each partition of the hub; undefined, after a line that says so, if the hub cannot be asked. */
async function headsOfHub(
  stream: Stream,
  settings: Settings,
): Promise<ReadonlyMap<string, number> | undefined> {
  const { namespace, hub } = settings.hub(stream, 'listen');
  const hubs = new HubDirectory(namespace);
  try {
    const { partitions } = await hubs.heads(hub);
    return new Map(partitions.map(({ partitionId, last }) => [partitionId, last]));
  } catch (error) {
    console.error(describeError(error));
    console.error(
      'So only those partitions are listed of which a position or a claim is kept; the hub may have more.',
    );
    return undefined;
  } finally {
    hubs.close();
  }
}

/** What is wrong with a position after which the hub has nothing, and never had. */
function beyondHead(position: KeptPosition | undefined, last: number | undefined): string | undefined {
  if (last === undefined || Number(position?.sequenceNumber ?? -1) <= last) return undefined;
  return last < 0 ? 'the hub never had an event there' : `the newest event of the hub is ${last}`;
}

function describePosition(position: KeptPosition | undefined, ageMs: number | undefined): string {
  if (position)
    return `after sequence number ${position.sequenceNumber ?? '?'}, written ${position.writtenAt.toISOString()}`;
  return ageMs === undefined
    ? 'from the beginning, because it was never read, or its position was deleted'
    : 'from the beginning, because no position is kept yet';
}

/** Names the hub and the group: if a setting has a wrong one, their positions are not those of the app. */
function tellNone(stream: Stream, settings: Settings): void {
  const { hub } = settings.hub(stream, 'listen');
  const group = `consumer group ${settings.consumerGroup}`;
  console.log(
    `No read positions of ${stream.name} are kept (hub ${hub}, ${group}): its hub is read from the beginning.`,
  );
}

async function reset(stream: Stream, settings: Settings): Promise<number> {
  if (await isHeld(stream, await openCheckpoints(stream, settings))) return 1;
  const store = await openAzureBlobStore(settings.hostStorage(), 'azure-webjobs-eventhub');
  let found = 0;
  for await (const { path } of store.list(checkpointFolder(await readerGroup(stream, settings)))) {
    found++;
    if (await store.delete(path)) console.log(`deleted ${path}`);
  }
  if (found === 0) tellNone(stream, settings);
  else console.log(`Start the app again: it reads the hub of ${stream.name} from the beginning.`);
  return 0;
}

async function skip(stream: Stream, partitionId: string, settings: Settings): Promise<number> {
  const checkpoints = await openCheckpoints(stream, settings);
  if (await isHeld(stream, checkpoints, partitionId)) return 1;
  const { readable, unreadable, next } = await skipEvents(stream, partitionId, { settings, checkpoints });
  const where = `${stream.name} partition ${partitionId}`;
  if (next === undefined) {
    console.log(`${where}: no event waits in the hub, so there is nothing to skip.`);
    return 0;
  }
  const letters = `${quantity(unreadable.length, 'dead letter')} with the reason unreadable`;
  console.log(`${where}: ${quantity(readable, 'event')} committed as usual, and ${letters}.`);
  console.log(`The trigger will continue at sequence number ${next}. Start the app again.`);
  return 0;
}

const describeClaim = (ageMs: number, which = 'its'): string =>
  `${which} claim is ${Math.round(ageMs / 1000)} s old`;

/** True, after an error message, if an app is reading the partition, or any partition of the stream if none is given. */
async function isHeld(
  stream: Stream,
  checkpoints: TriggerCheckpoints,
  partitionId?: string,
): Promise<boolean> {
  const holders = (await checkpoints.holders()).filter(
    (one) => partitionId === undefined || one.partitionId === partitionId,
  );
  if (holders.length === 0) return false;
  const isOne = holders.length === 1;
  const named = `${isOne ? 'partition' : 'partitions'} ${holders.map((one) => one.partitionId).join(', ')}`;
  const newest = Math.min(...holders.map(({ ageMs }) => ageMs));
  console.error(
    `${stream.name}: an app reads ${named} (${describeClaim(newest, isOne ? 'its' : 'the newest')}). Stop the app and try again. If it was killed, wait a minute until its claim expires.`,
  );
  return true;
}
