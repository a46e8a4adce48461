import { createServer } from 'node:net';
import { numberFlag } from '../src/cli/commandLine/arguments';
import type { Given } from '../src/cli/commandLine/command';
import { defaultPorts, type StackPorts } from './stack';

/** 0 takes a free port. */
export const portFlag = (what: string, fallback: number) =>
  numberFlag({ meaning: `port of ${what}`, fallback, most: 65_535, whole: true });

/** The ports of the emulators as flags. */
export const portFlags = {
  'broker-port': portFlag('the broker', defaultPorts.broker),
  'health-port': portFlag("the broker's health and figures", defaultPorts.health),
  'blob-port': portFlag('the blob service', defaultPorts.blob),
  'coincap-port': portFlag('the CoinCap simulator', defaultPorts.coincap),
};

/** The emulators' ports that the flags ask for. Throws one line when one of them is in use. */
export async function readPorts(
  given: Given<typeof portFlags>,
  others: Readonly<Record<string, number>>,
): Promise<StackPorts> {
  const ports: StackPorts = {
    broker: given['broker-port'],
    health: given['health-port'],
    blob: given['blob-port'],
    coincap: given['coincap-port'],
  };
  await ensurePortsFree({
    'broker-port': ports.broker,
    'health-port': ports.health,
    'blob-port': ports.blob,
    'coincap-port': ports.coincap,
    ...others,
  });
  return ports;
}

/** Throws one line naming the first port that is in use, and the flag that chooses another. */
async function ensurePortsFree(ports: Readonly<Record<string, number>>): Promise<void> {
  for (const [flag, port] of Object.entries(ports)) {
    if (port !== 0 && !(await isFree(port))) {
      throw new Error(`Port ${port} on 127.0.0.1 is in use: choose another with --${flag}.`);
    }
  }
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
