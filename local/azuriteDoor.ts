import { type IncomingMessage, Server, type ServerResponse } from 'node:http';
import { isRefused } from '../src/lib/sameMachine';

/*
 * This file is loaded into Azurite's process before Azurite itself. It refuses web pages of other sites: everybody knows the emulator's
 * account key, so such a page can sign requests with it. One POST of a batch would delete the lake, and Azurite checks neither Host nor
 * Origin. A proxy in front of Azurite would cost throughput, so the check is done on the events of the process's own HTTP servers.
 */

const emit = Server.prototype.emit;

Server.prototype.emit = function (this: Server, event: string | symbol, ...args: unknown[]): boolean {
  const [request, response] = args as [IncomingMessage, ServerResponse];
  if (event === 'request' && isRefused(request, response)) return true;
  return Reflect.apply(emit, this, [event, ...args]);
};
