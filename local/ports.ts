import { createServer } from 'node:net';
import { portFlag } from '../src/cli/commandLine/arguments';
import { type Given, UsageError } from '../src/cli/commandLine/command';
import { listenOnLoopback, namingFlag } from '../src/lib/sameMachine';
import { loadSimulators } from './simulators';
import { defaultPorts, type StackPorts } from './stack';

type PortFlag = ReturnType<typeof portFlag>;
type PortFlagName = `${string}-port`;

export type PortFlags = Readonly<
  Record<'broker-port' | 'health-port' | 'blob-port', PortFlag> & Record<PortFlagName, PortFlag>
>;

/** The flags for the emulators' ports. */
export const loadPortFlags = async (): Promise<PortFlags> => ({
  'broker-port': portFlag('the broker', defaultPorts.broker),
  'health-port': portFlag("the broker's health and figures", defaultPorts.health),
  'blob-port': portFlag('the blob service', defaultPorts.blob),
  ...Object.fromEntries(
    (await loadSimulators()).map(({ name, of, port }) => [
      `${name}-port`,
      portFlag(`the simulator of ${of}`, port),
    ]),
  ),
});

/** The ports that the flags choose for the emulators. Throws an error of one line if one of them is in use. */
export async function readPorts(
  given: Given<PortFlags>,
  others: Readonly<Record<string, number>>,
): Promise<StackPorts> {
  const simulators = await loadSimulators();
  const names = ['broker', 'health', 'blob', ...simulators.map(({ name }) => name)];
  const flagOf = (name: string): PortFlagName => `${name}-port`;
  await ensurePortsFree({
    ...Object.fromEntries(names.map((name) => [flagOf(name), given[flagOf(name)] ?? 0])),
    ...others,
  });
  return {
    ...Object.fromEntries(simulators.map(({ name, port }) => [name, given[flagOf(name)] ?? port])),
    broker: given['broker-port'],
    health: given['health-port'],
    blob: given['blob-port'],
  };
}

/**
 * Throws an error of one line with the first port that is in use, and the flag that chooses another.
 * @throws UsageError if two flags choose one port
 */
async function ensurePortsFree(ports: Readonly<Record<string, number>>): Promise<void> {
  const taken = new Map<number, string>();
  for (const [flag, port] of Object.entries(ports).filter(([, each]) => each !== 0)) {
    const other = taken.get(port);
    if (other !== undefined)
      throw new UsageError(`--${other} and --${flag} are both ${port}: choose another port for one of them.`);
    taken.set(port, flag);
    const probe = createServer();
    await listenOnLoopback(probe, port).catch(namingFlag(flag));
    await new Promise((closed) => probe.close(closed));
  }
}
