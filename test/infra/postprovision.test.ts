import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseSettings } from '../../src/lib/settings';
import { loadStreams } from '../../src/lib/streams/loadStreams';
import { azureSql, dedicatedPool, HookStand, outputs } from './hookStand';

let stand: HookStand;
beforeEach(() => {
  stand = new HookStand();
});
afterEach(() => stand.end());

describe.skipIf(process.platform === 'win32')('the hook after provisioning', () => {
  it('writes settings that the app accepts, without a secret and without emitting', async () => {
    const { status, stderr } = stand.run(azureSql);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const values = stand.readValues('local.settings.json');
    const settings = parseSettings(values, await loadStreams());
    expect(settings.consumerGroup).toBe('tributary');
    expect(settings.warehouse).not.toBe('none');
    expect(values.CLICKS_PER_SECOND).toBe('0');
    expect(values['AzureWebJobs.syncWarehouse.Disabled']).toBe('false');
    expect(JSON.stringify(values)).not.toMatch(/key=|password/i);
  });

  it('leaves settings of somebody else as they are, but renews its own', () => {
    writeFileSync(stand.path('local.settings.json'), '{"Values":{"EventHubConnection":"mine"}}');
    expect(stand.run().stdout).toContain('npm run doctor -- --settings local.settings.azure.json');
    expect(stand.readValues('local.settings.json')).toEqual({ EventHubConnection: 'mine' });
    rmSync(stand.path('local.settings.json'));
    stand.run();
    stand.run({ LAKE_CONTAINER: 'other' });
    expect(stand.readValues('local.settings.json').LAKE_CONTAINER).toBe('other');
  });

  it('leaves settings that somebody wrote for the namespace that was there before', () => {
    const mine = { EventHubConnection__fullyQualifiedNamespace: outputs.EVENT_HUBS_NAMESPACE };
    writeFileSync(stand.path('local.settings.json'), JSON.stringify({ Values: mine }, null, 1));
    expect(stand.run().stdout).toContain('--settings local.settings.azure.json');
    expect(stand.readValues('local.settings.json')).toEqual(mine);
  });

  it('says at once which tool a warehouse needs, before it opens a firewall', () => {
    for (const tool of ['dirname', 'grep', 'cat']) symlinkSync(`/bin/${tool}`, stand.path(`bin/${tool}`));
    rmSync(stand.path('bin/sqlcmd'));
    const { status, stderr } = stand.run({ ...azureSql, PATH: stand.path('bin') });
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringMatching(/needs sqlcmd.*azd hooks run postprovision/),
    });
    expect(stand.calls()).toEqual([]);
    expect(stand.run({ PATH: stand.path('bin') }).status).toBe(0);
  });

  it('makes the user of the app with the rights of loader.sql, and can be run again', () => {
    expect(stand.run(azureSql).status).toBe(0);
    expect(stand.calls().map((call) => call.split(' ').slice(0, 3).join(' '))).toEqual([
      'curl -fsS https://api.ipify.org',
      'az sql server',
      'npm run --silent',
      'sqlcmd -S tcp:sql-one.database.windows.net,1433',
      'sqlcmd -S tcp:sql-one.database.windows.net,1433',
    ]);
    const script = readFileSync(stand.path('sqlcmd.input'), 'utf8');
    const wanted = readFileSync('deploy/sql/loader.sql', 'utf8').replaceAll('<app>', 'id-one');
    expect(script.match(/^GRANT .*/gm)).toEqual(wanted.match(/^GRANT .*/gm));
    expect(script).toContain(
      "IF NOT EXISTS (SELECT * FROM sys.database_principals WHERE name = 'id-one') CREATE USER [id-one] FROM EXTERNAL PROVIDER;",
    );
  });

  it('waits for a firewall that does not know this machine yet, or a database that was paused', () => {
    stand.makeTool('npm', `test "$(grep -c ^npm '${stand.path('calls')}')" -gt 2`);
    const { status, stdout } = stand.run(azureSql);
    expect(status).toBe(0);
    expect(stdout).toContain('tried again in 30 seconds');
    expect(stand.calls().filter((call) => /^(npm|sleep)/.test(call))).toEqual([
      expect.stringMatching(/^npm/),
      'sleep 15',
      expect.stringMatching(/^npm/),
      'sleep 30',
      expect.stringMatching(/^npm/),
    ]);
  });

  it('fails in the end if the tables cannot be made, before it looks at the user', () => {
    stand.makeTool('npm', 'exit 1');
    expect(stand.run(azureSql).status).toBe(1);
    expect(stand.calls().some((call) => call.startsWith('sqlcmd'))).toBe(false);
  });

  it('fails if the user was not made', () => {
    stand.makeTool('sqlcmd', 'case "$*" in *" -b "*) exit 1;; esac');
    expect(stand.run(azureSql)).toMatchObject({
      status: 1,
      stdout: expect.not.stringContaining('may load rows'),
    });
  });

  it('opens the firewall of Synapse for a dedicated pool', () => {
    stand.run(dedicatedPool);
    expect(stand.calls()[1]).toMatch(
      /^az synapse workspace firewall-rule create .*--workspace-name syn-one .*203\.0\.113\.7/,
    );
  });

  it('asks nobody without a warehouse, and says how emitting is stopped only if something is emitted', () => {
    const { stdout } = stand.run();
    expect(stand.calls()).toEqual([]);
    // As the template has it: the doctor compares the app with these settings.
    expect(stand.readValues('local.settings.json')['AzureWebJobs.syncWarehouse.Disabled']).toBe('true');
    expect(stdout).toContain('https://func-one.azurewebsites.net/api/dashboard#key=FUNCTION_KEY');
    expect(stdout).toContain('--query functionKeys.default');
    expect(stdout).toContain('--settings CLICKS_PER_SECOND=0');
    expect(stdout).toContain('azd env set CLICKS_PER_SECOND 0');
    expect(stand.run({ CLICKS_PER_SECOND: '0' }).stdout).not.toContain('CLICKS_PER_SECOND=0');
  });

  it('runs without azd, with the commands of docs/deploy.md', () => {
    const [, commands = ''] =
      /\*\*Without azd\.\*\*[\s\S]*?```sh\n([\s\S]*?)```/.exec(readFileSync('docs/deploy.md', 'utf8')) ?? [];
    const names = { AZURE_LOCATION: 'West Europe', WAREHOUSE_SERVER: '', WAREHOUSE_DATABASE: '' };
    const inAzure = Object.entries({ ...outputs, ...names });
    // Azure changes the case of letters in the names of outputs.
    const shown = inAzure.map(([name, value]) => [name.toLowerCase(), { type: 'String', value }]);
    const answer = JSON.stringify(Object.fromEntries(shown));
    stand.makeTool('az', `case "$*" in "deployment sub show"*) echo '${answer}';; esac`);
    const { status, stdout, stderr } = stand.runShell(['-euc', commands]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('https://func-one.azurewebsites.net/api/dashboard#key=FUNCTION_KEY');
    expect(stand.readValues('local.settings.json').LakeStorage__blobServiceUri).toBe(
      outputs.LAKE_BLOB_ENDPOINT,
    );
  });

  it('names an output of the template that is missing', () => {
    const { status, stderr } = stand.run({ IDENTITY_NAME: '' });
    expect(status).not.toBe(0);
    expect(stderr).toContain('IDENTITY_NAME');
  });
});
