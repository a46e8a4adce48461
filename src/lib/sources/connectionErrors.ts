import { contextOf } from './clientInternals';

/**
 * Lets no error of a connection that the SDK has dropped end the process. A client of the SDK listens to the errors of its connection
 * and only logs them, because the end of the connection, which follows each of them, tells its calls as well. When a connection ends,
 * the client stops listening and makes a new one. But errors are emitted in a timer, so some come after that, and Node.js ends a
 * process at an error that nobody listens to. So this listens for as long as the connection is there. Returns the client.
 */
export function handleConnectionErrors<Client extends object>(client: Client): Client {
  const context = contextOf(client);
  if (!context) return client;
  const listen = () => void context.connection.on('error', () => {});
  const refresh = context.refreshConnection.bind(context);
  context.refreshConnection = () => {
    refresh();
    listen();
  };
  listen();
  return client;
}
