import { once } from 'node:events';
import type { Socket } from 'node:net';
import rhea, {
  type AmqpError,
  type Connection,
  type Container,
  type EventContext,
  type Receiver,
  type Sender,
} from 'rhea';
import { within } from '../../src/lib/deadline';
import { untilListening } from '../../src/lib/sameMachine';
import { normalizeAddress } from './address';
import { answerCbs } from './cbs';
import { unauthorized } from './entityErrors';
import type { Hub } from './hub';
import { type OpenLink, openConsumer, openProducer } from './linkOpening';
import { answerManagement } from './management';
import { maxMessageBytes } from './producerLink';
import { answerRequest, type Request } from './requestReply';
import { deliverRawBytes } from './rheaInternals';
import { checkToken, type Grant, isGranted, type Right, type SharedAccessPolicy } from './sharedAccess';
import { writeWholeFrames } from './wholeFrames';

/** What the AMQP server offers to clients: the policies that let them in, the hubs, and the open links. */
export interface Served {
  policies: readonly SharedAccessPolicy[];
  hubs: ReadonlyMap<string, Hub>;
  /** The open links of clients to hubs; the server keeps this set up to date. */
  links: Set<OpenLink>;
}

export interface AmqpServer {
  readonly port: number;
  /** Stops listening and closes all connections. */
  close(): Promise<void>;
}

/**
 * Listens for AMQP 1.0 over plain TCP, on loopback.
 *
 * @param port 0 takes any free port.
 * @throws `PortInUseError`
 */
export async function listenAmqp(served: Served, port: number): Promise<AmqpServer> {
  const container = createContainer(served);
  const sockets = new Set<Socket>();
  const connections = new Set<Connection>();
  container.on('connection_open', ({ connection }: EventContext) => {
    writeWholeFrames(connection);
    connections.add(connection);
  });
  for (const end of ['connection_close', 'disconnected']) {
    container.on(end, ({ connection }: EventContext) => connections.delete(connection));
  }
  const server = container.listen({
    port,
    host: '127.0.0.1',
    noDelay: true,
    max_frame_size: 65_536,
    channel_max: 4999,
    idle_time_out: 120_000,
    sender_options: { snd_settle_mode: 1 },
    receiver_options: { autoaccept: false, credit_window: 300, max_message_size: maxMessageBytes },
  } as Parameters<Container['listen']>[0]);
  server.on('connection', (socket: Socket) => {
    // Every reader of a connection listens for its socket to drain, and there may be many.
    socket.setMaxListeners(0);
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  return {
    port: await untilListening(server),
    close: () => {
      // Close the listener first: a client that reconnects while the broker ends would wait a minute for an answer.
      server.close();
      return closeConnections(connections, sockets);
    },
  };
}

async function closeConnections(connections: Set<Connection>, sockets: Set<Socket>): Promise<void> {
  const closed = Promise.all([...sockets].map((socket) => once(socket, 'close').catch(() => undefined)));
  for (const connection of connections) {
    connection.close({ condition: 'amqp:connection:forced', description: 'The broker is shutting down.' });
  }
  await within(
    500,
    () => closed,
    () => {
      for (const socket of sockets) socket.destroy();
      return closed;
    },
  );
}

function createContainer({ policies, hubs, links }: Served): Container {
  const container = rhea.create_container({ id: 'tributary-broker' });
  enableMechanisms(container);
  const grants = new GrantedTokens();
  const open = (link: Sender | Receiver, to: Access, opened: () => OpenLink | AmqpError): void => {
    const result = grants.mayUse(link.connection, to) ? opened() : unauthorized(to.address);
    if ('link' in result) links.add(result);
    else link.close(result);
  };
  container.on('session_open', ({ session }: EventContext) => {
    if (session) deliverRawBytes(session);
  });
  container.on('receiver_open', ({ receiver, connection }: EventContext) => {
    if (!receiver) return;
    const address = receiver.target?.address ?? '';
    const node = normalizeAddress(address);
    if (node === '$cbs')
      serveNode(receiver, (request) => answerCbs(request, policies, grants.of(connection)));
    else if (node.endsWith('$management')) {
      serveNode(receiver, (request) =>
        answerManagement(request, (name) => {
          const access = { address: name, right: managementRight };
          return grants.mayUse(connection, access) || mayAsk(request, policies, access)
            ? hubs.get(name.toLowerCase())
            : { refused: unauthorized(name).description ?? '' };
        }),
      );
    } else open(receiver, { address, right: 'send' }, () => openProducer(receiver, hubs));
  });
  container.on('sender_open', ({ sender }: EventContext) => {
    if (!sender) return;
    const address = sender.source?.address ?? '';
    if (/^\$cbs$|\$management$/.test(normalizeAddress(address))) {
      sender.set_source({ address });
      sender.set_target({ address: sender.target?.address ?? '' });
    } else open(sender, { address, right: 'listen' }, () => openConsumer(sender, hubs));
  });
  releaseGone(container, links);
  for (const event of ['error', 'protocol_error'])
    container.on(event, (error: Error) => console.error(`a connection failed: ${error.message}`));
  return container;
}

function enableMechanisms(container: Container): void {
  const mechanisms = container.sasl_server_mechanisms;
  mechanisms.enable_anonymous();
  container.sasl.server_add_external(mechanisms);
  // With this name the .NET client says that it will send its token over $cbs.
  mechanisms.MSSBCBS = mechanisms.EXTERNAL;
}

/** The right that a client needs, and the entity that it is for. */
interface Access {
  readonly address: string;
  readonly right: Right;
}

/**
 * The right to ask for the properties of a hub. It is not documented whether the service gives it to a policy that may only send. This
 * broker does not, so that no test depends on it.
 */
const managementRight: Right = 'listen';

/** Whether a request has a valid token of its own, as the requests of Java's SDK have. */
function mayAsk({ properties }: Request, policies: readonly SharedAccessPolicy[], access: Access): boolean {
  const token = properties.get('security_token');
  if (token === undefined) return false;
  const checked = checkToken(token, policies, Date.now());
  return !('refused' in checked) && isGranted([checked], access, Date.now());
}

/** The grants of each connection, from the tokens that it sent. */
class GrantedTokens {
  readonly #grants = new WeakMap<Connection, Map<string, Grant>>();

  of(connection: Connection): Map<string, Grant> {
    const found = this.#grants.get(connection) ?? new Map<string, Grant>();
    this.#grants.set(connection, found);
    return found;
  }

  mayUse(connection: Connection, access: Access): boolean {
    return isGranted(this.of(connection).values(), access, Date.now());
  }
}

/** Releases closed links, and links whose session or connection is closed. */
function releaseGone(container: Container, links: Set<OpenLink>): void {
  const release = (isGone: (link: Sender | Receiver) => boolean): void => {
    for (const open of links) {
      if (!isGone(open.link)) continue;
      open.release();
      links.delete(open);
    }
  };
  for (const event of ['sender_close', 'receiver_close'])
    container.on(event, ({ sender, receiver }: EventContext) =>
      release((link) => link === sender || link === receiver),
    );
  container.on('session_close', ({ session }: EventContext) => release((link) => link.session === session));
  for (const event of ['connection_close', 'disconnected'])
    container.on(event, ({ connection }: EventContext) => release((link) => link.connection === connection));
}

function serveNode(receiver: Receiver, answer: Parameters<typeof answerRequest>[2]): void {
  receiver.set_target({ address: receiver.target.address ?? '' });
  receiver.set_source({ address: receiver.source?.address ?? '' });
  receiver.on('message', ({ message, delivery }: EventContext) => {
    delivery?.accept();
    answerRequest(receiver, message as unknown as Buffer, answer);
  });
}
