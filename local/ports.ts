import { createServer } from 'node:net';
import { type Flags, readNumber } from '../src/cli/commandLine';
import { defaultPorts, type StackPorts } from './stack';

const portFlag = (what: string, port: number) => ({
  value: 'N',
  meaning: `port of ${what}, ${port} unless told`,
});

/** The ports of the emulators as flags. */
export const portFlags = {
  'broker-port': portFlag('the broker', defaultPorts.broker),
  'health-port': portFlag("the broker's health and figures", defaultPorts.health),
  'blob-port': portFlag('the blob service', defaultPorts.blob),
  'coincap-port': portFlag('the CoinCap simulator', defaultPorts.coincap),
} satisfies Flags;

export const portValue = (flag: string, text: string | true | undefined, fallback: number) =>
  readNumber(flag, text, fallback, 65_535);

/** The emulators' ports that the flags ask for. Throws one line when one of them is in use. */
export async function readPorts(
  flags: { [name in keyof typeof portFlags]?: string | true },
  others: Readonly<Record<string, number>>,
): Promise<StackPorts> {
  const ports: StackPorts = {
    broker: portValue('broker-port', flags['broker-port'], defaultPorts.broker),
    health: portValue('health-port', flags['health-port'], defaultPorts.health),
    blob: portValue('blob-port', flags['blob-port'], defaultPorts.blob),
    coincap: portValue('coincap-port', flags['coincap-port'], defaultPorts.coincap),
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
