import type { Environment } from '../settingDefinitions';

/** The purpose of a connection to a hub: to read its events, or to send events to it. */
export type Direction = 'listen' | 'send';

/** The connection of every stream that has none of its own. */
export const sharedConnection = 'EventHubConnection';

/** The name of a stream's own connection: CLICKSTREAM_LISTEN if the hub setting is CLICKSTREAM_HUB. */
export const ownConnection = (
  { hubSetting }: { readonly hubSetting: string },
  direction: Direction,
): string => `${hubSetting.replace(/_HUB$/, '')}_${direction.toUpperCase()}`;

/**
 * Whether any setting of a connection is set: the connection string of this name, or a part of the identity form, whose names begin with
 * the name and two underscores. A part counts, because a connection that is only half set is a mistake and no reason to use another one.
 */
export const isConnectionSet = (name: string, environment: Environment): boolean =>
  Object.entries(environment).some(
    ([setting, value]) => (setting === name || setting.startsWith(`${name}__`)) && Boolean(value?.trim()),
  );

/** The connection that a stream uses: its own if that is set, otherwise the shared one. */
export function connectionName(
  stream: { readonly hubSetting: string },
  direction: Direction,
  environment: Environment = process.env,
): string {
  const own = ownConnection(stream, direction);
  return isConnectionSet(own, environment) ? own : sharedConnection;
}
