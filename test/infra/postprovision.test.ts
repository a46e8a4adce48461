import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseSettings } from '../../src/lib/settings';
import { loadStreams } from '../../src/lib/streams/loadStreams';

/*
 * The hook that azd runs after it has made the resources, in a folder of its own. In place of az, sqlcmd, curl and npm, scripts write
 * down how they were called.
 */

const outputs = {
  AZURE_RESOURCE_GROUP: 'rg-one',
  FUNCTION_APP_NAME: 'func-one',
  FUNCTION_APP_HOST: 'func-one.azurewebsites.net',
  IDENTITY_NAME: 'id-one',
  EVENT_HUBS_NAMESPACE: 'one.servicebus.windows.net',
  CONSUMER_GROUP: 'tributary',
  LAKE_BLOB_ENDPOINT: 'https://lakeone.blob.core.windows.net/',
  LAKE_CONTAINER: 'lake',
  HOST_BLOB_ENDPOINT: 'https://hostone.blob.core.windows.net/',
  SERVERLESS_SQL_ENDPOINT: 'one-ondemand.sql.azuresynapse.net',
  WAREHOUSE_KIND: 'none',
  CLICKS_PER_SECOND: '10',
};
const azureSql = {
  WAREHOUSE_KIND: 'azureSql',
  WAREHOUSE_SERVER: 'sql-one.database.windows.net',
  WAREHOUSE_DATABASE: 'tributary',
};

let folder: string;
const inFolder = (name: string) => join(folder, name);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hook-'));
  mkdirSync(inFolder('bin'));
  mkdirSync(inFolder('deploy'));
  cpSync('deploy/hooks', inFolder('deploy/hooks'), { recursive: true });
  symlinkSync(join(process.cwd(), 'deploy/sql'), inFolder('deploy/sql'));
  for (const tool of ['az', 'npm', 'curl', 'sqlcmd', 'sleep']) makeTool(tool);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A tool that writes down its arguments, and the script that it should run, and then does what `more` says. */
function makeTool(name: string, more = name === 'curl' ? 'echo 203.0.113.7' : '') {
  const text = `#!/bin/sh
echo ${name} "$@" >> '${inFolder('calls')}'
for argument in "$@"; do if [ -f "$argument" ]; then cp "$argument" '${inFolder(`${name}.input`)}'; fi; done
${more}
`;
  writeFileSync(inFolder(`bin/${name}`), text, { mode: 0o755 });
}

const run = (more: Record<string, string> = {}) =>
  spawnSync('sh', [inFolder('deploy/hooks/postprovision.sh')], {
    encoding: 'utf8',
    env: { PATH: inFolder('bin') + delimiter + process.env.PATH, ...outputs, ...more },
  });

const readValues = (name: string) => JSON.parse(readFileSync(inFolder(name), 'utf8')).Values;
const calls = () =>
  existsSync(inFolder('calls')) ? readFileSync(inFolder('calls'), 'utf8').split('\n') : [];

describe.skipIf(process.platform === 'win32')('the hook after provisioning', () => {
  it('writes settings that the app accepts, without a secret and without emitting', async () => {
    const { status, stderr } = run(azureSql);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const values = readValues('local.settings.json');
    const settings = parseSettings(values, await loadStreams());
    expect(settings.consumerGroup).toBe('tributary');
    expect(settings.warehouse).not.toBe('none');
    expect(values.CLICKS_PER_SECOND).toBe('0');
    expect(values['AzureWebJobs.syncWarehouse.Disabled']).toBe('false');
    expect(JSON.stringify(values)).not.toMatch(/key=|password/i);
  });

  it('leaves settings of somebody else as they are, but renews its own', () => {
    writeFileSync(inFolder('local.settings.json'), '{"Values":{"EventHubConnection":"mine"}}');
    expect(run().stdout).toContain('npm run doctor -- --settings local.settings.azure.json');
    expect(readValues('local.settings.json')).toEqual({ EventHubConnection: 'mine' });
    rmSync(inFolder('local.settings.json'));
    run();
    run({ LAKE_CONTAINER: 'other' });
    expect(readValues('local.settings.json').LAKE_CONTAINER).toBe('other');
  });

  it('makes the user of the app with the rights of loader.sql, and can be run again', () => {
    expect(run(azureSql).status).toBe(0);
    expect(calls().map((call) => call.split(' ').slice(0, 3).join(' '))).toEqual([
      'curl -fsS https://api.ipify.org',
      'az sql server',
      'npm run --silent',
      'sqlcmd -S tcp:sql-one.database.windows.net,1433',
      'sqlcmd -S tcp:sql-one.database.windows.net,1433',
      '',
    ]);
    const script = readFileSync(inFolder('sqlcmd.input'), 'utf8');
    const wanted = readFileSync('deploy/sql/loader.sql', 'utf8').replaceAll('<app>', 'id-one');
    expect(script.match(/^GRANT .*/gm)).toEqual(wanted.match(/^GRANT .*/gm));
    expect(script).toContain(
      "IF NOT EXISTS (SELECT * FROM sys.database_principals WHERE name = 'id-one') CREATE USER [id-one] FROM EXTERNAL PROVIDER;",
    );
  });

  it('waits for a firewall that does not know this machine yet, or a database that was paused', () => {
    makeTool('npm', `test "$(grep -c ^npm '${inFolder('calls')}')" -gt 2`);
    const { status, stdout } = run(azureSql);
    expect(status).toBe(0);
    expect(stdout).toContain('tried again in 30 seconds');
    expect(calls().filter((call) => /^(npm|sleep)/.test(call))).toEqual([
      expect.stringMatching(/^npm/),
      'sleep 15',
      expect.stringMatching(/^npm/),
      'sleep 30',
      expect.stringMatching(/^npm/),
    ]);
  });

  it('fails in the end if the tables cannot be made, before it looks at the user', () => {
    makeTool('npm', 'exit 1');
    expect(run(azureSql).status).toBe(1);
    expect(calls().some((call) => call.startsWith('sqlcmd'))).toBe(false);
  });

  it('fails if the user was not made', () => {
    makeTool('sqlcmd', 'case "$*" in *" -b "*) exit 1;; esac');
    expect(run(azureSql)).toMatchObject({ status: 1, stdout: expect.not.stringContaining('may load rows') });
  });

  it('opens the firewall of Synapse for a dedicated pool', () => {
    run({ ...azureSql, WAREHOUSE_KIND: 'dedicatedPool', WAREHOUSE_SERVER: 'syn-one.sql.azuresynapse.net' });
    expect(calls()[1]).toMatch(
      /^az synapse workspace firewall-rule create .*--workspace-name syn-one .*203\.0\.113\.7/,
    );
  });

  it('asks nobody without a warehouse, and says how emitting is stopped only if something is emitted', () => {
    const { stdout } = run();
    expect(calls()).toEqual([]);
    // As the template has it: the doctor compares the app with these settings.
    expect(readValues('local.settings.json')['AzureWebJobs.syncWarehouse.Disabled']).toBe('true');
    expect(stdout).toContain('https://func-one.azurewebsites.net/api/dashboard#key=FUNCTION_KEY');
    expect(stdout).toContain('--query functionKeys.default');
    expect(stdout).toContain('--settings CLICKS_PER_SECOND=0');
    expect(stdout).toContain('azd env set CLICKS_PER_SECOND 0');
    expect(run({ CLICKS_PER_SECOND: '0' }).stdout).not.toContain('CLICKS_PER_SECOND=0');
  });

  it('runs without azd, with the commands of docs/deploy.md', () => {
    const [, commands = ''] =
      /\*\*Without azd\.\*\*[\s\S]*?```sh\n([\s\S]*?)```/.exec(readFileSync('docs/deploy.md', 'utf8')) ?? [];
    const inAzure = Object.entries({ ...outputs, WAREHOUSE_SERVER: '', WAREHOUSE_DATABASE: '' });
    // Azure changes the case of letters in the names of outputs.
    const shown = inAzure.map(([name, value]) => [name.toLowerCase(), { type: 'String', value }]);
    const answer = JSON.stringify(Object.fromEntries(shown));
    makeTool('az', `case "$*" in "deployment sub show"*) echo '${answer}';; esac`);
    const { status, stdout, stderr } = spawnSync('sh', ['-euc', commands], {
      encoding: 'utf8',
      cwd: folder,
      env: { PATH: inFolder('bin') + delimiter + process.env.PATH },
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('https://func-one.azurewebsites.net/api/dashboard#key=FUNCTION_KEY');
    expect(readValues('local.settings.json').LakeStorage__blobServiceUri).toBe(outputs.LAKE_BLOB_ENDPOINT);
  });

  it('names an output of the template that is missing', () => {
    const { status, stderr } = run({ IDENTITY_NAME: '' });
    expect(status).not.toBe(0);
    expect(stderr).toContain('IDENTITY_NAME');
  });
});
