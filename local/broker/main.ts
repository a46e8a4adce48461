import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { namingFlag } from '../../src/lib/sameMachine';
import { type AdminServer, startAdmin } from './admin';
import { type Broker, startBroker } from './broker';
import { parseConfig } from './config';
import defaultConfig from './config.json';

/**
 * The broker as a process:
 *
 *     node dist/local/broker/main.js [--port 5672] [--health-port 5300] [--config FILE] [--data DIR]
 *
 * When it is ready, it prints one line with both of its addresses. Without --data, events stay in memory. SIGTERM and SIGINT end it
 * with exit code 0. If a port is in use, the exit code is 1.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '5672' },
      'health-port': { type: 'string', default: '5300' },
      config: { type: 'string' },
      data: { type: 'string' },
    },
  });
  const config = parseConfig(
    values.config === undefined ? defaultConfig : readFileSync(values.config, 'utf8'),
  );
  const port = parsePort('--port', values.port);
  const healthPort = parsePort('--health-port', values['health-port']);
  const broker = await startBroker({
    port,
    config,
    ...(values.data !== undefined && { dataDir: values.data }),
  }).catch(namingFlag('port'));
  const admin = await startAdmin(broker, healthPort).catch(namingFlag('health-port'));
  const stop = (): void => {
    void end(broker, admin);
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  console.log(`broker listening on 127.0.0.1:${broker.port}, health on http://127.0.0.1:${admin.port}`);
}

async function end(broker: Broker, admin: AdminServer): Promise<void> {
  await Promise.all([broker.close(), admin.close()]);
  process.exit(0);
}

function parsePort(flag: string, value: string): number {
  const port = /^\d{1,5}$/.test(value) ? Number(value) : Number.NaN;
  if (port <= 65_535) return port;
  throw new Error(`${flag} must be a port from 0 to 65535, found '${value}'`);
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}

main().catch((error) => fail(describe(error)));
