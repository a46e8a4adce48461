import type { Identity } from '../identity';
import type { SettingReader } from '../settingReader';
import { isConnectionSet } from '../streams/connectionName';

/*
 * A connection has one of two forms, as for the Functions host: a setting with a connection string, or an identity, which is several
 * settings that begin with the connection's name and two underscores.
 */

/**
 * The form in which a connection is set. If both are, that is a problem: the host and the app could connect to different places.
 * @param addresses the settings of the identity form that say where to connect to
 */
export function readForm(
  reader: SettingReader,
  name: string,
  addresses: readonly string[],
): 'key' | 'identity' {
  const address = addresses.find((setting) => reader.value(setting) !== undefined);
  // The default of a stream's own connection is an empty text.
  if (!reader.value(name)) return isConnectionSet(name, reader.environment) ? 'identity' : 'key';
  if (address !== undefined)
    reader.problem(`${name} and ${address} are both set: keep one of them, and remove the other.`);
  return 'key';
}

/** Adds a problem for each setting of the identity form that is not used, because a connection string is set as well. */
export function checkUnusedParts(reader: SettingReader, name: string): void {
  if (!reader.value(name)) return;
  for (const [setting, value] of Object.entries(reader.environment))
    if (setting.startsWith(`${name}__`) && value?.trim() && !isAddress(setting))
      reader.problem(`${setting} is not used, because ${name} is set: remove one of them.`);
}

/** An address beside a connection string is refused when the connection is read. */
const isAddress = (setting: string): boolean =>
  /__(?:fullyQualifiedNamespace|blobServiceUri|accountName)$/.test(setting);

export function readIdentity(reader: SettingReader, name: string): Identity {
  const credential = reader.value(`${name}__credential`);
  const clientId = reader.value(`${name}__clientId`);
  const isKnown = credential === undefined || credential.toLowerCase() === 'managedidentity';
  if (!isKnown)
    reader.wrong(
      `${name}__credential`,
      'is not supported',
      'managedidentity, or no such setting, so that DefaultAzureCredential looks for an identity',
    );
  return {
    ...(credential !== undefined && { credential: 'managedidentity' }),
    ...(clientId !== undefined && { clientId }),
  };
}

/**
 * Says what is wrong with a connection string, whatever parts it should have, in the words that follow the setting's name; undefined if
 * nothing is. Event Hubs and storage take no quotes in it, and no text of theirs has an angle bracket or a control character.
 */
export function mistakeInParts(connectionString: string): string | undefined {
  if (/=\s*["']/.test(connectionString)) return 'has a part in quotes: remove them';
  if (/<[^<>;]*>/.test(connectionString))
    return 'has a placeholder in angle brackets: replace it by its value';
  if (/\p{C}/u.test(connectionString))
    return 'has a line break or an invisible character inside: copy it again, in one line';
  return undefined;
}
