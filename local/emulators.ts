import { resolve } from 'node:path';
import { describeFlags, type Flags, readFlags, runCommand } from '../src/cli/commandLine';
import { portFlags, portValue, readPorts } from './ports';
import { startEmulators, waitForPrevious } from './stack';

/*
 * `npm run emulators`: broker, storage and CoinCap simulator alone, for an app that runs under `func start`.
 */

const flags = {
  ...portFlags,
  'queue-port': { value: 'N', meaning: 'port of the queue service, 10001 unless told' },
  'table-port': { value: 'N', meaning: 'port of the table service, 10002 unless told' },
} satisfies Flags;

runCommand(`npm run emulators -- [options]\n${describeFlags(flags)}`, async (args) => {
  const values = readFlags(flags, args);
  const ended = new Promise<void>((end) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => end());
  });
  const dataDir = resolve('.local');
  const queuePort = portValue('queue-port', values['queue-port'], 10_001);
  const tablePort = portValue('table-port', values['table-port'], 10_002);
  await waitForPrevious(dataDir);
  const ports = await readPorts(values, { 'queue-port': queuePort, 'table-port': tablePort });
  const emulators = await startEmulators({ dataDir, ports, queuePort, tablePort });
  const { settings, brokerUrl, logDir } = emulators;
  console.log(`EventHubConnection   ${settings.EventHubConnection}`);
  console.log(
    `Storage              ${settings.LakeStorage?.split(';')
      .filter((part) => part.includes('Endpoint='))
      .join(' ')}`,
  );
  console.log(`COINCAP_URL          ${settings.COINCAP_URL}`);
  console.log(`Broker health        ${brokerUrl}/health`);
  console.log(`Logs                 ${logDir}\nCtrl-C ends them.`);
  const failure = await Promise.race([ended, emulators.failed]);
  const problems = await emulators.stop();
  for (const problem of failure ? [failure, ...problems] : problems) console.error(problem);
  return failure || problems.length > 0 ? 1 : 0;
});
