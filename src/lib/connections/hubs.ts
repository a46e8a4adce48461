import { partOf } from '../connectionParts';
import { hubNameForm, isHubName } from '../hubNames';
import type { Identity } from '../identity';
import { eventHubsForm } from '../settingDefinitions';
import type { SettingReader } from '../settingReader';
import {
  connectionName,
  type Direction,
  isConnectionSet,
  ownConnection,
  sharedConnection,
} from '../streams/connectionName';
import type { Stream } from '../streams/stream';
import { mistakeInParts, readForm, readIdentity } from './forms';

/** How to reach an Event Hubs namespace: by a connection string without EntityPath, or by its host name with an identity. */
export type EventHubsNamespace =
  | { readonly connectionString: string }
  | ({ readonly fullyQualifiedNamespace: string } & Identity);

/** One event hub, and how to reach its namespace. */
export interface HubConnection {
  readonly namespace: EventHubsNamespace;
  readonly hub: string;
}

/**
 * Checks the connections of all streams. Each stream needs a connection to listen. Connections to send are only checked if they are set,
 * because it is not known here whether this app sends the stream's events.
 */
export function checkHubConnections(reader: SettingReader, streams: readonly Stream[]): void {
  const { environment } = reader;
  const isShared = (stream: Stream, direction: Direction) =>
    connectionName(stream, direction, environment) === sharedConnection;
  const sharing = streams.filter((stream) => isShared(stream, 'listen'));
  const isMissing = sharing.length > 0 && !isConnectionSet(sharedConnection, environment);
  if (isMissing) missing(reader, sharing, 'listen');
  else for (const stream of sharing) readNamespace(reader, sharedConnection, stream);
  for (const direction of ['listen', 'send'] as const)
    for (const stream of streams)
      if (!isShared(stream, direction)) readNamespace(reader, ownConnection(stream, direction), stream);
  checkSharedHubs(reader, streams);
}

/** A stream's hub, and the connection to listen or to send. */
export function readHubConnection(
  reader: SettingReader,
  stream: Stream,
  direction: Direction,
): HubConnection {
  const name = connectionName(stream, direction, reader.environment);
  const hub = reader.value(stream.hubSetting) ?? '';
  if (hub === '') reader.wrong(stream.hubSetting, 'is missing', hubNameForm);
  else if (!isHubName(hub)) reader.wrong(stream.hubSetting, 'is malformed', hubNameForm);
  if (isConnectionSet(name, reader.environment))
    return { namespace: readNamespace(reader, name, stream), hub };
  missing(reader, [stream], direction);
  return { namespace: { connectionString: '' }, hub };
}

function missing(reader: SettingReader, streams: readonly Stream[], direction: Direction): void {
  const own = streams.map((stream) => ownConnection(stream, direction)).join(' and ');
  reader.problem(`${sharedConnection} is missing: expected ${eventHubsForm}. Or set ${own} instead.`);
}

function readNamespace(reader: SettingReader, name: string, stream: Stream): EventHubsNamespace {
  const hostSetting = `${name}__fullyQualifiedNamespace`;
  if (readForm(reader, name, [hostSetting]) === 'identity') {
    const fullyQualifiedNamespace = reader.value(hostSetting) ?? '';
    const what = fullyQualifiedNamespace === '' ? 'is missing' : 'is malformed';
    if (!/^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/i.test(fullyQualifiedNamespace))
      reader.wrong(hostSetting, what, 'a host name like contoso.servicebus.windows.net');
    return { fullyQualifiedNamespace, ...readIdentity(reader, name) };
  }
  const connectionString = reader.value(name) ?? '';
  const isComplete =
    hostOf(connectionString) !== undefined &&
    ['SharedAccessKeyName', 'SharedAccessKey'].every((part) => partOf(connectionString, part));
  const mistake = mistakeInParts(connectionString);
  if (mistake) reader.problem(`${name} ${mistake}.`);
  else if (!isComplete) reader.wrong(name, 'is malformed', eventHubsForm);
  checkEntityPath(reader, name, stream);
  return { connectionString: withoutEntityPath(connectionString) };
}

/** The host in a connection string, with its port if it has one, in lower case. */
const hostOf = (connectionString: string): string | undefined =>
  /^(?:sb|amqps?):\/\/([^/?#@\s]+)\/?$/i.exec(partOf(connectionString, 'Endpoint') ?? '')?.[1]?.toLowerCase();

/** Adds a problem if two streams read the same hub: each would take the other's events for dead letters. */
function checkSharedHubs(reader: SettingReader, streams: readonly Stream[]): void {
  const settingOf = new Map<string, string>();
  for (const stream of streams) {
    const hub = reader.value(stream.hubSetting)?.toLowerCase();
    const name = connectionName(stream, 'listen', reader.environment);
    const host = hostOf(reader.value(name) ?? '') ?? reader.value(`${name}__fullyQualifiedNamespace`);
    if (!hub || !host) continue;
    const place = `${host.toLowerCase()}/${hub}`;
    const other = settingOf.get(place);
    if (other !== undefined)
      reader.problem(`${stream.hubSetting} names the hub of ${other}: each stream needs a hub of its own.`);
    settingOf.set(place, stream.hubSetting);
  }
}

/** Adds a problem if a connection string names another hub than the setting: it binds the trigger to its hub, whatever the setting says. */
function checkEntityPath(reader: SettingReader, name: string, stream: Stream): void {
  const { hubSetting } = stream;
  const entity = partOf(reader.value(name) ?? '', 'EntityPath');
  const hub = reader.value(hubSetting);
  if (!entity || !hub || entity.toLowerCase() === hub.toLowerCase()) return;
  const own = `${ownConnection(stream, 'listen')} and ${ownConnection(stream, 'send')}`;
  const remedy =
    name === sharedConnection
      ? `take ;EntityPath=${entity} out of the connection string, or set ${own}`
      : 'they must name the same hub';
  reader.problem(`${name} has EntityPath=${entity}, but ${hubSetting} is ${hub}: ${remedy}.`);
}

/**
 * The connection string without its hub. If its name differed in case from the one that is given, the SDK would throw an error whose
 * message has the whole connection string.
 */
const withoutEntityPath = (connectionString: string): string =>
  connectionString
    .split(';')
    .filter((part) => !/^\s*EntityPath\s*=/i.test(part))
    .join(';');
