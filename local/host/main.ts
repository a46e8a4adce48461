import { parseArgs } from 'node:util';
import { readLocalSettings } from '../../src/cli/localSettings';
import { namingFlag } from '../../src/lib/sameMachine';
import { startHost } from './host';
import { describeError } from './log';

const usage =
  'node dist/local/host/main.js --app DIR [--port 7071] [--settings FILE] [--instance NAME] [--group http|durable|FUNCTION]';

async function main(): Promise<void> {
  const { app, port, settings, instance, group } = readArguments();
  if (settings !== undefined) {
    // As with `func start`, an environment variable overrides the file.
    for (const [name, value] of Object.entries(readLocalSettings(settings))) process.env[name] ??= value;
  }
  const host = await startHost({
    appDir: app,
    port,
    ...(instance !== undefined && { instance }),
    ...(group !== undefined && { group }),
  }).catch(namingFlag('port'));
  let stopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) process.exit(1);
      stopping = true;
      host.close().then(
        () => process.exit(0),
        (error) => fail(describeError(error)),
      );
    });
  }
}

function readArguments() {
  const { values } = parseArgs({
    options: {
      app: { type: 'string' },
      port: { type: 'string', default: '7071' },
      settings: { type: 'string' },
      instance: { type: 'string' },
      group: { type: 'string' },
    },
  });
  const { app, port, settings, instance, group } = values;
  if (app === undefined) throw new Error(`--app is missing. Usage: ${usage}`);
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65535)
    throw new Error(`--port must be 0 to 65535, not "${port}".`);
  return { app, port: Number(port), settings, instance, group };
}

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}

main().catch((error: unknown) => {
  // A stack helps only with errors of the app's own code, and those come as the cause of the error.
  if (error instanceof Error) {
    fail(error.cause === undefined ? error.message : `${error.message}\n${describeError(error.cause)}`);
  }
  fail(String(error));
});
