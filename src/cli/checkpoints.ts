import { openHubClient } from '../lib/sources/hubClient';
import { openAzureBlobStore } from '../lib/storage/azureBlobStore';
import type { Stream } from '../lib/streams/stream';
import { readAppSettings, settingsFlag } from './appSettings';
import { action } from './commandLine/command';
import { runCommand } from './commandLine/runCommand';
import { streamWord } from './names';

/*
 * `npm run checkpoints -- reset <stream>`: deletes the trigger's checkpoints and ownerships of a stream's hub. The remedy after a
 * hub was deleted and made again: the old checkpoints point past its end, or into its middle. The app must be stopped
 * meanwhile, for whoever reads a partition goes on where it is. No event becomes a row twice: the Delta table knows what
 * it has.
 */

type Reset = 'list' | 'reset';

const checkpointAction = (what: Reset, meaning: string) =>
  action({
    meaning,
    words: { stream: streamWord },
    flags: settingsFlag,
    run: ({ stream, settings }) => visitCheckpoints(what, stream, settings),
  });

runCommand({
  call: 'npm run checkpoints',
  meaning: "The read positions that the Functions host keeps for a stream's trigger.",
  subcommands: {
    list: checkpointAction('list', 'the positions, and when each was written'),
    reset: checkpointAction('reset', 'delete them; stop the app before, and start it afterwards'),
  },
});

async function visitCheckpoints(what: Reset, stream: Stream, file: string | undefined): Promise<number> {
  const settings = readAppSettings(file);
  const store = await openAzureBlobStore(settings.hostStorage(), 'azure-webjobs-eventhub');
  const hub = settings.hub(stream.hubSetting);
  const { fullyQualifiedNamespace } = await openHubClient(settings.eventHubs, hub);
  // The layout of the Event Hubs extension: lower case, a blob a partition.
  const prefix = `${fullyQualifiedNamespace}/${hub}/${settings.consumerGroup}/`.toLowerCase();
  let found = 0;
  for await (const { path, lastModified } of store.list(prefix)) {
    found++;
    if (what === 'list') console.log(`${path}  ${lastModified.toISOString()}`);
    else if (await store.delete(path)) console.log(`deleted ${path}`);
  }
  if (found === 0) console.log(`There is nothing under ${store.name}/${prefix}.`);
  return 0;
}
