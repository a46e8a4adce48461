import { openHubClient } from '../lib/sources/hubClient';
import { openAzureBlobStore } from '../lib/storage/azureBlobStore';
import { readAppSettings, settingsFlag } from './appSettings';
import { describeFlags, readFlags, runCommand, UsageError } from './commandLine';
import { readStream } from './streamArgument';

/*
 * `npm run checkpoints -- reset <stream>`: deletes the trigger's checkpoints and ownerships of a stream's hub. The remedy after a
 * hub was deleted and made again: the old checkpoints point past its end, or into its middle. The app must be stopped
 * meanwhile, for whoever reads a partition goes on where it is. No event becomes a row twice: the Delta table knows what
 * it has.
 */

const usage = `npm run checkpoints -- list|reset <stream> [options]
  Stop the app before a reset, and start it afterwards.
${describeFlags(settingsFlag)}`;

runCommand(usage, async (args) => {
  const [action, name, ...rest] = args;
  if (action !== 'list' && action !== 'reset') throw new UsageError('Say list or reset.');
  const stream = await readStream(name);
  const settings = readAppSettings(readFlags(settingsFlag, rest).settings);
  const store = await openAzureBlobStore(settings.hostStorage(), 'azure-webjobs-eventhub');
  const hub = settings.hub(stream.hubSetting);
  const { fullyQualifiedNamespace } = await openHubClient(settings.eventHubs, hub);
  // The layout of the Event Hubs extension: lower case, a blob a partition.
  const prefix = `${fullyQualifiedNamespace}/${hub}/${settings.consumerGroup}/`.toLowerCase();
  let found = 0;
  for await (const { path, lastModified } of store.list(prefix)) {
    found++;
    if (action === 'list') console.log(`${path}  ${lastModified.toISOString()}`);
    else if (await store.delete(path)) console.log(`deleted ${path}`);
  }
  if (found === 0) console.log(`There is nothing under ${store.name}/${prefix}.`);
  return 0;
});
