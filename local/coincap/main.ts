import { keyFlag, numberFlag, portFlag } from '../../src/cli/commandLine/arguments';
import { action } from '../../src/cli/commandLine/command';
import { untilAskedToEnd } from '../../src/cli/commandLine/interrupts';
import { answerCommandLine } from '../../src/cli/commandLine/runCommand';
import { namingFlag } from '../../src/lib/sameMachine';
import { startCoincap } from './coincap';

/*
 * The CoinCap simulator as a process. When it is ready, it prints one line with its address. SIGTERM and SIGINT end it with exit
 * code 0; a second one ends it at once.
 */

interface Given {
  readonly port: number;
  readonly key: string | undefined;
  readonly seed: number;
}

async function serve({ port, key, seed }: Given): Promise<number> {
  const coincap = await startCoincap({ port, seed, ...(key !== undefined && { key }) }).catch(
    namingFlag('port'),
  );
  console.log(`coincap listening on ${coincap.url}`);
  await untilAskedToEnd();
  await coincap.close();
  return 0;
}

const command = {
  call: 'node dist/local/coincap/main.js',
  does: action({
    meaning: 'A simulation of the CoinCap API on this machine.',
    flags: {
      port: portFlag('the simulator', 7072),
      key: keyFlag('that requests must carry; by default every request is served'),
      seed: numberFlag({ meaning: 'seed of the prices', fallback: 1, most: 4_294_967_295, whole: true }),
    },
    run: serve,
  }),
};

void answerCommandLine(command, process.argv.slice(2)).then((code) => process.exit(code));
