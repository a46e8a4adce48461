import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import rhea, { type Connection, type EventContext, type Message, type Sender } from 'rhea';

/*
 * A plain AMQP client of the laptop's broker. It sends messages that the Event Hubs SDK for JavaScript cannot send, but clients in
 * other languages can.
 */

export async function connectTo({ port }: { readonly port: number }): Promise<Connection> {
  const connection = rhea
    .create_container()
    .connect({ host: '127.0.0.1', port, reconnect: false, username: 'x' });
  await once(connection, 'connection_open');
  return connection;
}

/** @param expires seconds since 1970 */
export function signToken(hub: string, expires: number, key = 'SAS_KEY_VALUE'): string {
  const sr = encodeURIComponent(`sb://127.0.0.1/${hub}`);
  const sig = createHmac('sha256', key).update(`${sr}\n${expires}`).digest('base64');
  return `SharedAccessSignature sr=${sr}&sig=${encodeURIComponent(sig)}&se=${expires}&skn=RootManageSharedAccessKey`;
}

/** Sends a request to a node like `$cbs` or `$management`, and resolves to its answer. */
export async function ask(
  client: Connection,
  node: string,
  request: Record<string, unknown>,
): Promise<Message> {
  const receiver = client.open_receiver({ source: { address: node }, target: { address: 'reply-here' } });
  const sender = client.open_sender({ target: { address: node } });
  await once(sender, 'sendable');
  sender.send({ message_id: 'request-1', reply_to: 'reply-here', body: undefined, ...request });
  const [{ message }] = (await once(receiver, 'message')) as [EventContext];
  receiver.close();
  sender.close();
  if (message?.correlation_id !== 'request-1') throw new Error(`No answer from ${node}.`);
  return message;
}

/** Authorizes a client for a hub. Resolves to the broker's answer. */
export async function putToken(
  client: Connection,
  token: string,
  hub = 'hub',
): Promise<Record<string, unknown> | undefined> {
  const properties = {
    operation: 'put-token',
    name: `sb://127.0.0.1/${hub}`,
    type: 'servicebus.windows.net:sastoken',
  };
  return (await ask(client, '$cbs', { application_properties: properties, body: token }))
    .application_properties;
}

export async function openSender(client: Connection, address: string): Promise<Sender> {
  const sender = client.open_sender({ target: { address } });
  await once(sender, 'sendable');
  return sender;
}

/** Sends messages to a partition, one after the other, on a new connection. */
export async function sendRaw(
  broker: { readonly port: number },
  { hub, partitionId }: { readonly hub: string; readonly partitionId: string },
  messages: readonly Message[],
): Promise<void> {
  const client = await connectTo(broker);
  await putToken(client, signToken(hub, Date.now() / 1000 + 3600), hub);
  const sender = await openSender(client, `${hub}/Partitions/${partitionId}`);
  for (const message of messages) {
    sender.send(message);
    await once(sender, 'accepted');
  }
  client.close();
  await once(client, 'connection_close');
}
