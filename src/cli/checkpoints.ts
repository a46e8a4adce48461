import { skipEvents } from '../lib/app/ingest';
import type { Settings } from '../lib/settings';
import { openHubClient } from '../lib/sources/hubClient';
import { openAzureBlobStore } from '../lib/storage/azureBlobStore';
import { checkpointFolder, type ReaderGroup, TriggerCheckpoints } from '../lib/storage/triggerCheckpoints';
import type { Stream } from '../lib/streams/stream';
import { readAppSettings, settingsFlag } from './appSettings';
import { wholeWord } from './commandLine/arguments';
import { action } from './commandLine/command';
import { runCommand } from './commandLine/runCommand';
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
      meaning: 'the positions, and when each was written',
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

async function* positions(stream: Stream, settings: Settings) {
  const store = await openAzureBlobStore(settings.hostStorage(), 'azure-webjobs-eventhub');
  const prefix = checkpointFolder(await readerGroup(stream, settings));
  let found = 0;
  for await (const { path, lastModified } of store.list(prefix)) {
    found++;
    yield { store, path, lastModified };
  }
  if (found === 0) console.log(`There is nothing under ${store.name}/${prefix}.`);
}

async function list(stream: Stream, settings: Settings): Promise<number> {
  for await (const { path, lastModified } of positions(stream, settings))
    console.log(`${path}  ${lastModified.toISOString()}`);
  return 0;
}

async function reset(stream: Stream, settings: Settings): Promise<number> {
  const checkpoints = new TriggerCheckpoints(settings.hostStorage(), await readerGroup(stream, settings));
  if (await isHeld(stream, checkpoints)) return 1;
  for await (const { store, path } of positions(stream, settings))
    if (await store.delete(path)) console.log(`deleted ${path}`);
  return 0;
}

async function skip(stream: Stream, partitionId: string, settings: Settings): Promise<number> {
  const checkpoints = new TriggerCheckpoints(settings.hostStorage(), await readerGroup(stream, settings));
  if (await isHeld(stream, checkpoints, partitionId)) return 1;
  const { readable, unreadable, next } = await skipEvents(stream, partitionId, { settings, checkpoints });
  const where = `${stream.name} partition ${partitionId}`;
  if (next === undefined) {
    console.log(`${where}: no event waits in the hub, so there is nothing to skip.`);
    return 0;
  }
  const kept = `${unreadable.length} as dead letters with the reason unreadable`;
  console.log(`${where}: ${readable} events were committed as usual, ${kept}.`);
  console.log(`The trigger will continue at sequence number ${next}. Start the app again.`);
  return 0;
}

/** True, after an error message, if an app is reading the partition, or any partition of the stream if none is given. */
async function isHeld(
  stream: Stream,
  checkpoints: TriggerCheckpoints,
  partitionId?: string,
): Promise<boolean> {
  const holders = (await checkpoints.holders()).filter(
    (one) => partitionId === undefined || one.partitionId === partitionId,
  );
  const [first] = holders;
  if (!first) return false;
  const named = holders.map((one) => one.partitionId).join(', ');
  const since = Math.round(first.ageMs / 1000);
  console.error(
    `${stream.name}: an app reads partition ${named} (its claim is ${since} s old). Stop the app and try again. If it was killed, wait a minute until its claim expires.`,
  );
  return true;
}
