import { expect, it } from 'vitest';
import { readPorts } from '../../local/ports';
import { UsageError } from '../../src/cli/commandLine/command';

const free = { 'broker-port': 0, 'health-port': 0, 'blob-port': 0 };

it('two parts cannot have one port, which is told before anything starts', async () => {
  const given = { ...free, 'health-port': 19_000, 'blob-port': 19_000 };
  const refused = readPorts(given, { port: 0 });
  await expect(refused).rejects.toThrow(UsageError);
  await expect(refused).rejects.toThrow(
    '--health-port and --blob-port are both 19000: choose another port for one of them.',
  );
  await expect(readPorts({ ...free, 'broker-port': 19_000 }, { port: 19_000 })).rejects.toThrow(
    '--broker-port and --port are both 19000',
  );
});

it('several free ports may be left to the system', async () => {
  expect(await readPorts(free, { port: 0 })).toMatchObject({ broker: 0, health: 0, blob: 0 });
});
