import { portFlag, textFlag } from '../../src/cli/commandLine/arguments';
import { action, UsageError } from '../../src/cli/commandLine/command';
import { untilAskedToEnd } from '../../src/cli/commandLine/interrupts';
import { answerCommandLine } from '../../src/cli/commandLine/runCommand';
import { readLocalSettings } from '../../src/cli/localSettings';
import { namingFlag } from '../../src/lib/sameMachine';
import { type Host, startHost } from './host';
import { describeError } from './log';

/*
 * The Functions host as a process. SIGTERM and SIGINT end it with exit code 0 once running functions have ended; a second one ends it at
 * once.
 */

interface Given {
  readonly app: string | undefined;
  readonly port: number;
  readonly settings: string | undefined;
  readonly instance: string | undefined;
  readonly group: string | undefined;
}

async function serve(given: Given): Promise<number> {
  const host = await start(given).catch(withCause);
  await untilAskedToEnd();
  await host.close().catch((error: unknown) => {
    throw new Error(describeError(error));
  });
  return 0;
}

async function start({ app, port, settings, instance, group }: Given): Promise<Host> {
  if (app === undefined) throw new UsageError('--app is missing.');
  if (settings !== undefined) {
    // As with `func start`, an environment variable overrides the file.
    for (const [name, value] of Object.entries(readLocalSettings(settings))) process.env[name] ??= value;
  }
  return startHost({
    appDir: app,
    port,
    ...(instance !== undefined && { instance }),
    ...(group !== undefined && { group }),
  }).catch(namingFlag('port'));
}

/** A stack helps only with errors of the app's own code, and those come as the cause of the error. */
function withCause(error: unknown): never {
  if (!(error instanceof Error) || error.cause === undefined) throw error;
  throw new Error(`${error.message}\n${describeError(error.cause)}`);
}

const command = {
  call: 'node dist/local/host/main.js',
  does: action({
    meaning: 'Runs a compiled app of Azure Functions on this machine.',
    flags: {
      app: textFlag('DIR', "the app's folder"),
      port: portFlag('the host', 7071),
      settings: textFlag('FILE', 'settings in the format of local.settings.json'),
      instance: textFlag('NAME', 'the name of the host, if there are several'),
      group: textFlag('GROUP', 'http, durable or a function: the scale group that it runs; by default all'),
    },
    run: serve,
  }),
};

void answerCommandLine(command, process.argv.slice(2)).then((code) => process.exit(code));
