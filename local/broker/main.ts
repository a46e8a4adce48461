import { readFileSync } from 'node:fs';
import { portFlag, textFlag } from '../../src/cli/commandLine/arguments';
import { action } from '../../src/cli/commandLine/command';
import { untilAskedToEnd } from '../../src/cli/commandLine/interrupts';
import { answerCommandLine } from '../../src/cli/commandLine/runCommand';
import { namingFlag } from '../../src/lib/sameMachine';
import { startAdmin } from './admin';
import { startBroker } from './broker';
import { parseConfig } from './config';
import defaultConfig from './config.json';

/*
 * The broker as a process. When it is ready, it prints one line with both of its addresses. SIGTERM and SIGINT end it with exit code 0;
 * a second one ends it at once.
 */

interface Given {
  readonly port: number;
  readonly 'health-port': number;
  readonly config: string | undefined;
  readonly data: string | undefined;
}

async function serve(given: Given): Promise<number> {
  const config = parseConfig(given.config === undefined ? defaultConfig : readFileSync(given.config, 'utf8'));
  const broker = await startBroker({
    port: given.port,
    config,
    ...(given.data !== undefined && { dataDir: given.data }),
  }).catch(namingFlag('port'));
  const admin = await startAdmin(broker, given['health-port']).catch(namingFlag('health-port'));
  console.log(`broker listening on 127.0.0.1:${broker.port}, health on http://127.0.0.1:${admin.port}`);
  await untilAskedToEnd();
  await Promise.all([broker.close(), admin.close()]);
  return 0;
}

const command = {
  call: 'node dist/local/broker/main.js',
  does: action({
    meaning: 'An Event Hubs broker on this machine.',
    flags: {
      port: portFlag('the broker', 5672),
      'health-port': portFlag('its health and figures', 5300),
      config: textFlag('FILE', 'the hubs, in the form of the official emulator; by default those of the app'),
      data: textFlag('DIR', 'where events are kept; by default they stay in memory'),
    },
    run: serve,
  }),
};

void answerCommandLine(command, process.argv.slice(2)).then((code) => process.exit(code));
