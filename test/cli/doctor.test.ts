import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { expect, it, onTestFinished } from 'vitest';
import { hubSettings } from '../../local/hubs';
import { settingsAt } from '../../local/processes';
import { listenOnLoopback } from '../../src/lib/sameMachine';
import { endCommand, runCommand } from '../kit/runCommand';

/** A storage account at a port where nothing listens. */
const storageConnection =
  'AccountName=a;AccountKey=c2VjcmV0;BlobEndpoint=http://127.0.0.1:1/a;DefaultEndpointsProtocol=http';

/** Settings that name the hub of every stream, of those that the sample does not know too. */
const settingsOfAll = async (brokerPort = 1): Promise<NodeJS.ProcessEnv> => ({
  PATH: process.env.PATH,
  ...settingsAt({ storageConnection, brokerPort }),
  ...(await hubSettings()),
});

it('npm run doctor says how to start storage and hubs on this machine where nothing runs', async () => {
  const env = {
    ...(await settingsOfAll()),
    WAREHOUSE: 'none',
  };
  const command = runCommand('src/cli/doctor.js', ['--url', 'http://127.0.0.1:1'], tmpdir(), env);
  onTestFinished(() => endCommand(command));
  expect(await command.ended).toBe(1);
  const wrong = command.text().match(/^WRONG .*\n.*/gm) ?? [];
  expect(wrong.map((finding) => finding.split('\n')[1]?.trim())).toEqual(
    wrong.map(() => 'to mend it: start "npm start" or "npm run emulators", or correct the settings'),
  );
  expect(wrong.length).toBeGreaterThan(2);
});

it("npm run doctor tells what is wrong with the host's storage setting in a line of its own", async () => {
  const env = {
    ...(await settingsOfAll()),
    AzureWebJobsStorage__accountName: 'abc',
  };
  const command = runCommand('src/cli/doctor.js', [], tmpdir(), env);
  onTestFinished(() => endCommand(command));
  await command.ended;
  expect(command.text()).toContain(
    'WRONG   host storage: AzureWebJobsStorage and AzureWebJobsStorage__accountName are both set: keep one of them, and remove the other\n' +
      '        to mend it: docs/settings.md explains each setting, and docs/add-a-stream.md those of a stream that you added\n',
  );
});

it.each([
  [
    { WAREHOUSE_READER: 'foo' },
    'WAREHOUSE_READER is malformed: it is not a list of name=value parts; expected ',
  ],
  [
    { FUNCTIONS_WORKER_RUNTIME: 'python' },
    'FUNCTIONS_WORKER_RUNTIME names another language: expected node.\n',
  ],
  [
    { EventHubConnection__credential: 'foo' },
    'EventHubConnection__credential is not used, because EventHubConnection is set: remove one of them.\n',
  ],
])('npm run doctor tells a setting that the app does not read: %j', async (own, problem) => {
  const env = {
    ...(await settingsOfAll()),
    WAREHOUSE: 'duckdb:rows.duckdb',
    ...own,
  };
  const command = runCommand('src/cli/doctor.js', ['--url', 'http://127.0.0.1:1'], tmpdir(), env);
  onTestFinished(() => endCommand(command));
  expect(await command.ended).toBe(1);
  expect(command.text()).toContain(`WRONG   settings: ${problem}`);
  expect(command.text().match(/^WRONG {3}settings: /gm)).toHaveLength(1);
});

it('npm run doctor says what mends a broker on this machine that accepts connections and does not answer, and ends', {
  timeout: 90_000,
}, async () => {
  const silent = createServer();
  const brokerPort = await listenOnLoopback(silent);
  const env = await settingsOfAll(brokerPort);
  const command = runCommand('src/cli/doctor.js', [], tmpdir(), env);
  onTestFinished(async () => {
    await endCommand(command);
    silent.close();
  });
  expect(await command.ended).toBe(1);
  expect(command.text()).toContain(
    'WRONG   hub of clickstream: clickstream in 127.0.0.1: no answer in time\n' +
      '        to mend it: the broker is stopped or busy: end the run that it belongs to, and start it again\n',
  );
});
