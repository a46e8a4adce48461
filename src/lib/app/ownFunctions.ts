import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { OwnFunction } from '../doctor/checkFunctions';
import type { StreamSettings } from '../settings';
import { type Stream, settingsOf } from '../streams/stream';

const folder = join(__dirname, '../../functions');

/**
 * The functions of this version of the app, which have the names of the files in src/functions. Left out are functions that send events to
 * a stream that the project does not have, because they are never registered.
 * @param settings those of every stream, checked
 */
export function ownFunctions(settings: StreamSettings, streams: readonly Stream[]): OwnFunction[] {
  return namesOfFiles().flatMap((name) => {
    const isDisabled = settings.isDisabled(name);
    if (!name.startsWith('emit')) return [{ name, isDisabled }];
    const stream = streams.find((one) => `emit${one.name}`.toLowerCase() === name.toLowerCase());
    return stream ? [{ name, isDisabled, switchedBy: switchOf(stream, settings) }] : [];
  });
}

function switchOf(stream: Stream, settings: StreamSettings): OwnFunction['switchedBy'] {
  const definition = settingsOf(stream).find(({ isOff }) => isOff);
  if (!definition) return undefined;
  return { setting: definition.name, isOff: definition.isOff?.(settings.text(definition)) === true };
}

/** The names of the files with functions. They end in .js when this file runs compiled, and in .ts in tests. */
const namesOfFiles = (): string[] =>
  readdirSync(folder)
    .filter((file) => /\.[jt]s$/.test(file) && !file.endsWith('.d.ts'))
    .map((file) => file.slice(0, -'.ts'.length))
    .sort();
