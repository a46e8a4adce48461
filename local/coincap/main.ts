import { parseArgs } from 'node:util';
import { namingFlag } from '../../src/lib/sameMachine';
import { startCoincap } from './coincap';

/**
 * The CoinCap simulator as a process:
 *
 *     node dist/local/coincap/main.js [--port 7072] [--key KEY] [--seed N]
 *
 * Without --key it serves every request. SIGTERM and SIGINT end it with exit code 0. If the port is in use, the exit code is 1.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '7072' },
      key: { type: 'string' },
      seed: { type: 'string', default: '1' },
    },
  });
  const port = parseNumber('--port', values.port, 65_535);
  const seed = parseNumber('--seed', values.seed, 4_294_967_295);
  const coincap = await startCoincap({
    port,
    seed,
    ...(values.key !== undefined && { key: values.key }),
  }).catch(namingFlag('port'));
  const stop = (): void => {
    void coincap.close().then(() => process.exit(0));
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  console.log(`coincap listening on ${coincap.url}`);
}

function parseNumber(flag: string, value: string, most: number): number {
  const number = /^\d{1,10}$/.test(value) ? Number(value) : Number.NaN;
  if (number <= most) return number;
  throw new Error(`${flag} must be a number from 0 to ${most}, found '${value}'`);
}

const describe = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}

main().catch((error) => fail(describe(error)));
