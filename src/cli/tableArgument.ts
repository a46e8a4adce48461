import type { TableLocation } from '../lib/delta/log';
import { deadLettersTable } from '../lib/lake/deadLetters';
import { openAzureBlobStore } from '../lib/storage/azureBlobStore';
import { loadStreams } from '../lib/streams/loadStreams';
import { readAppSettings } from './appSettings';
import { UsageError } from './commandLine';

/** Where the table is that an argument names. Throws UsageError with the names there are. */
export async function readTable(
  name: string | undefined,
  settingsFile: string | true | undefined,
): Promise<TableLocation> {
  const known = [...(await loadStreams()).map(({ table }) => table), deadLettersTable];
  if (name === undefined || !known.includes(name)) {
    const list = `${known.slice(0, -1).join(', ')} or ${known.at(-1)}`;
    throw new UsageError(
      name === undefined ? `Name a table: ${list}.` : `${name} is no table: expected ${list}.`,
    );
  }
  const { lake, lakeContainer } = readAppSettings(settingsFile);
  return { store: await openAzureBlobStore(lake, lakeContainer), table: name };
}
