import { resolve } from 'node:path';
import { portFlag } from '../src/cli/commandLine/arguments';
import { action, type Command, type Given } from '../src/cli/commandLine/command';
import { untilAskedToEnd } from '../src/cli/commandLine/interrupts';
import { runCommand } from '../src/cli/commandLine/runCommand';
import { ensureSoundStreams } from './hubs';
import { loadPortFlags, type PortFlags, readPorts } from './ports';
import { ensureNotRunning } from './runMark';
import { loadSimulators } from './simulators';
import { startEmulators } from './stack';

/*
 * `npm run emulators`: runs the broker, storage and the simulators of sources, but no host, for an app under `func start`.
 */

const flags = {
  'queue-port': portFlag('the queue service', 10_001),
  'table-port': portFlag('the table service', 10_002),
};

const call = 'npm run emulators';

runCommand(describe());

async function describe(): Promise<Command> {
  return {
    call,
    does: action({
      meaning: 'Broker, storage and simulators alone, for an app that runs under "func start".',
      flags: { ...(await loadPortFlags()), ...flags },
      run: runEmulators,
    }),
  };
}

async function runEmulators(given: Given<typeof flags & PortFlags>): Promise<number> {
  const ended = untilAskedToEnd();
  const dataDir = resolve('.local');
  const { 'queue-port': queuePort, 'table-port': tablePort } = given;
  await ensureNotRunning(dataDir);
  await ensureSoundStreams();
  const ports = await readPorts(given, { 'queue-port': queuePort, 'table-port': tablePort });
  const emulators = await startEmulators({ command: call, dataDir, ports, queuePort, tablePort });
  const { settings, brokerUrl, logDir } = emulators;
  console.log(`EventHubConnection   ${settings.EventHubConnection}`);
  console.log(
    `Storage              ${settings.LakeStorage?.split(';')
      .filter((part) => part.includes('Endpoint='))
      .join(' ')}`,
  );
  for (const { urlSetting } of await loadSimulators())
    console.log(`${urlSetting.padEnd(20)} ${settings[urlSetting]}`);
  console.log(`Broker health        ${brokerUrl}/health`);
  console.log(`Logs                 ${logDir}\nCtrl-C ends them.`);
  const failure = await Promise.race([ended, emulators.failed]);
  const problems = await emulators.stop();
  for (const problem of failure ? [failure, ...problems] : problems) console.error(problem);
  return failure || problems.length > 0 ? 1 : 0;
}
