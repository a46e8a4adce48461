import { once } from 'node:events';
import rhea, { type Connection, type EventContext, type Message } from 'rhea';
import { afterEach, describe, expect, it } from 'vitest';
import type { Broker } from '../../../local/broker/broker';
import { batchFormat } from '../../../local/broker/eventBytes';
import { ask, connectTo, openSender, putToken, signToken } from '../../kit/rawAmqp';
import { closeAll, openBroker, openConsumerClient, openProducerClient, readSome, until } from './clients';

// The Event Hubs SDK for JavaScript always sends batches and always authorizes first; clients in other languages do
// more. Here rhea, as a plain AMQP client, takes their place.
let connection: Connection | undefined;
afterEach(async () => {
  if (connection) {
    connection.close();
    await once(connection, 'connection_close');
  }
  connection = undefined;
  await closeAll();
});

async function connect(broker: Broker): Promise<Connection> {
  connection = await connectTo(broker);
  return connection;
}

/** A frame as rhea passes it on: with its fields in their order. */
interface Frame {
  readonly performative: { readonly value: readonly unknown[] };
}

const inAnHour = (): number => Math.floor(Date.now() / 1000) + 3600;

describe('any AMQP client', () => {
  it('sends single messages, whose types reach the reader', async () => {
    const broker = await openBroker({ hub: 4 });
    const client = await connect(broker);
    expect(await putToken(client, signToken('hub', inAnHour()))).toMatchObject({ 'status-code': 202 });
    const sender = await openSender(client, '/HUB/Partitions/2');
    sender.send({
      body: rhea.message.data_section(Buffer.from('"raw"')),
      application_properties: { small: rhea.types.wrap_ubyte(3) },
      message_annotations: { 'x-opt-partition-key': 'key' },
    } as unknown as Message);
    await once(sender, 'accepted');
    const [event] = await readSome(openConsumerClient(broker, 'hub'), '2', 1);
    expect(event).toMatchObject({
      body: 'raw',
      properties: { small: 3 },
      partitionKey: 'key',
      sequenceNumber: 0,
    });
  });

  it('is told when its message is no AMQP message or no batch, and may go on', async () => {
    const broker = await openBroker({ hub: 1 });
    const client = await connect(broker);
    await putToken(client, signToken('hub', inAnHour()));
    const sender = await openSender(client, 'hub');
    for (const [bytes, format] of [
      [Buffer.from('garbage'), batchFormat],
      [Buffer.from([0x00, 0x53, 0x75, 0xa0, 0x7f]), 0],
    ] as const) {
      sender.send(bytes, undefined, format);
      const [{ delivery }] = (await once(sender, 'rejected')) as [EventContext];
      expect(delivery?.remote_state?.error.condition).toBe('amqp:decode-error');
    }
    sender.send({ body: 'fine' } as unknown as Message);
    await once(sender, 'accepted');
    expect(broker.stats().hubs.hub?.accepted).toBe(1);
  });

  it('gets no link before its token, nor with a token for another hub', async () => {
    const broker = await openBroker({ hub: 1, other: 1 });
    const client = await connect(broker);
    const refusal = async (): Promise<unknown> => {
      const sender = client.open_sender({ target: { address: 'hub' } });
      const [context] = (await once(sender, 'sender_error')) as [EventContext];
      return context.sender?.error;
    };
    expect(await refusal()).toMatchObject({ condition: 'amqp:unauthorized-access' });
    await putToken(client, signToken('other', inAnHour()));
    expect(await refusal()).toMatchObject({ condition: 'amqp:unauthorized-access' });
    const answer = await ask(client, '$management', {
      application_properties: { operation: 'READ', name: 'hub', type: 'com.microsoft:eventhub' },
    });
    expect(answer.application_properties).toMatchObject({
      'status-code': 401,
      'error-condition': 'amqp:unauthorized-access',
    });
  });

  it.each([
    ['for the hub', signToken('hub', inAnHour()), 200],
    ['for another hub', signToken('other', inAnHour()), 401],
    ['expired', signToken('hub', 1000), 401],
  ])('may ask with a token in its request: %s', async (_, token, status) => {
    const client = await connectTo(await openBroker({ hub: 1, other: 1 }));
    const request = { operation: 'READ', name: 'hub', type: 'com.microsoft:eventhub', security_token: token };
    const answer = await ask(client, '$management', { application_properties: request });
    expect(answer.application_properties).toMatchObject({ 'status-code': status });
    // The token is for this request alone.
    const { security_token: _token, ...without } = request;
    const other = await ask(client, '$management', { application_properties: without });
    expect(other.application_properties).toMatchObject({ 'status-code': 401 });
  });

  it('gets every field of a frame, because Python reads them by their place', async () => {
    const client = await connect(await openBroker({ hub: 1 }));
    const numbers: Record<string, number> = {};
    for (const name of ['begin', 'attach', 'flow', 'transfer'] as const) {
      const handlers = client as unknown as Record<string, (frame: Frame) => void>;
      const handle = handlers[`on_${name}`]?.bind(client);
      handlers[`on_${name}`] = (frame) => {
        numbers[name] = frame.performative.value.length;
        handle?.(frame);
      };
    }
    await putToken(client, signToken('hub', inAnHour()));
    const sender = await openSender(client, 'hub');
    sender.send({ body: 'x' } as unknown as Message);
    await once(sender, 'accepted');
    const { value } = (client as unknown as { remote: { open: Frame['performative'] } }).remote.open;
    expect({ open: value.length, ...numbers }).toEqual({
      open: 10,
      begin: 8,
      attach: 14,
      flow: 11,
      transfer: 11,
    });
  });

  it.each([
    ['expired', signToken('hub', 1000), 'ExpiredToken'],
    ['signed with another key', signToken('hub', inAnHour(), 'other'), 'InvalidSignature'],
    ['of another kind', 'eyJhbGciOiJub25lIn0.e30.', 'InvalidToken'],
  ])('learns why its token is refused: %s', async (_, token, reason) => {
    const client = await connectTo(await openBroker({ hub: 1 }));
    const answer = await putToken(client, token);
    expect(answer).toMatchObject({ 'status-code': 401, 'error-condition': 'amqp:unauthorized-access' });
    expect(answer?.['status-description']).toContain(reason);
    expect(answer?.['status-description']).not.toContain(token);
  });

  it('learns of requests that $cbs and $management do not know', async () => {
    const client = await connectTo(await openBroker({ hub: 1 }));
    for (const node of ['$cbs', '$management']) {
      const answer = await ask(client, node, {
        application_properties: { operation: 'DELETE', name: 'hub' },
      });
      expect(answer.application_properties).toMatchObject({
        'status-code': 400,
        'error-condition': 'amqp:not-implemented',
      });
    }
  });

  it('gets no more than its socket takes, until it reads on', async () => {
    const broker = await openBroker({ hub: 1 });
    const producer = openProducerClient(broker, 'hub');
    const body = Buffer.alloc(1_000_000);
    for (let n = 0; n < 40; n += 1) await producer.sendBatch([{ body }]);
    const client = await connect(broker);
    await putToken(client, signToken('hub', inAnHour()));
    const receiver = client.open_receiver({
      source: 'hub/ConsumerGroups/$Default/Partitions/0',
      credit_window: 0,
    });
    let received = 0;
    receiver.on('message', () => {
      received += 1;
    });
    await once(receiver, 'receiver_open');
    receiver.add_credit(40);
    client.socket.pause();
    const delivered = (): number => broker.stats().hubs.hub?.delivered ?? 0;
    await until('the first events', () => delivered() > 0);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(delivered()).toBeLessThan(30);
    client.socket.resume();
    await until('all events', () => received === 40);
  });

  it('is refused a filter that is no position', async () => {
    const broker = await openBroker({ hub: 1 });
    const client = await connect(broker);
    await putToken(client, signToken('hub', inAnHour()));
    const receiver = client.open_receiver({
      source: {
        address: 'hub/ConsumerGroups/$Default/Partitions/0',
        filter: { selector: rhea.types.wrap_described("amqp.annotation.x-opt-offset > 'x'", 0x468c00000004) },
      },
    });
    const [context] = (await once(receiver, 'receiver_error')) as [EventContext];
    expect(context.receiver?.error).toMatchObject({ condition: 'com.microsoft:argument-error' });
  });
});
