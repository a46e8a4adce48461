import { type Connection, contextOf } from './clientInternals';

/** Handles, for each connection that a client makes, two cases which the SDK does not handle. Returns the client. */
export function handleConnection<Client extends object>(client: Client): Client {
  const context = contextOf(client);
  if (!context) return client;
  const handle = () => {
    ignoreErrors(context.connection);
    endIfNotOpened(context.connection);
  };
  const refresh = context.refreshConnection.bind(context);
  context.refreshConnection = () => {
    refresh();
    handle();
  };
  handle();
  return client;
}

/**
 * Keeps errors of a connection that the SDK has dropped from ending the process. A client of the SDK listens to the errors of its
 * connection and only logs them, because each is followed by the end of the connection, which also tells its calls. When a connection ends,
 * the client stops listening and makes a new one. But errors are emitted in a timer, so some come later, and Node.js ends a process at an
 * error that nobody listens to. So this listens for as long as the connection exists.
 */
function ignoreErrors(connection: Connection): void {
  connection.on('error', () => {});
}

/**
 * Ends the socket of a connection that could not be opened in time. If a service accepts connections but does not answer, the SDK leaves
 * the socket open, even after the client is closed, and opens another one for the next call.
 */
function endIfNotOpened(connection: Connection): void {
  const open = connection.open.bind(connection);
  connection.open = async (options) => {
    try {
      return await open(options);
    } catch (error) {
      connection._connection?.socket?.destroy();
      throw error;
    }
  };
}
