import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { azureSql, dedicatedPool, HookStand, outputs } from './hookStand';
import { makePattern, type Pattern, readPowerShell } from './powerShell';

/*
 * The hook for Windows does the same as the one for sh. It is not run, for which PowerShell would be needed: its text is read, and compared
 * with what the other one does when it is run.
 */

const text = readFileSync('deploy/hooks/postprovision.ps1', 'utf8');

let stand: HookStand;
beforeEach(() => {
  stand = new HookStand();
});
afterEach(() => stand.end());

const startsWith = (pattern: Pattern, ...names: string[]) =>
  names.some((name) => pattern.text.startsWith(`${name} `));

describe.skipIf(process.platform === 'win32')('the hook after provisioning for PowerShell', () => {
  it('is PowerShell, which a broken one is not', async () => {
    expect((await readPowerShell(text, outputs)).syntaxErrors).toEqual([]);
    const broken = text.replace('$hasWarehouse = ', '$hasWarehouse = (');
    expect((await readPowerShell(broken, outputs)).syntaxErrors).not.toEqual([]);
  });

  it.each([
    ['Azure SQL', azureSql, /^az synapse/],
    ['a dedicated pool', dedicatedPool, /^az sql/],
  ])('calls the same programs in the same order for %s', async (_, warehouse, ofOther) => {
    expect(stand.run(warehouse).status).toBe(0);
    const { calls } = await readPowerShell(text, { ...outputs, ...warehouse });
    const own = calls.filter(
      (call) => startsWith(call, 'Invoke-RestMethod', 'az', 'node', 'sqlcmd') && !ofOther.test(call.text),
    );
    // PowerShell has its own curl, and its npm drops two dashes in some versions.
    const wanted = stand
      .calls()
      .map((call) =>
        call
          .replace(/^curl -fsS /, 'Invoke-RestMethod ')
          .replace('npm run --silent warehouse --', 'node local/run.mjs node dist/src/cli/warehouse.js'),
      );
    expect(own.map(({ text: pattern }) => pattern)).toHaveLength(wanted.length);
    expect(wanted.filter((call, index) => !own[index]?.matches(call))).toEqual([]);
  });

  it('writes the same settings', async () => {
    stand.run(azureSql);
    const { entries } = await readPowerShell(text, { ...outputs, ...azureSql });
    const written = Object.entries(stand.readValues('local.settings.json'));
    const own = [...entries.keys()].filter((name) => !['IsEncrypted', 'Values'].includes(name));
    expect(own).toEqual(written.map(([name]) => name));
    expect(written.filter(([name, value]) => !entries.get(name)?.matches(value))).toEqual([]);
  });

  it('asks for the same outputs of the template', () => {
    const ofShell = readFileSync('deploy/hooks/postprovision.sh', 'utf8').match(/(?<=\$\{)\w+(?=:\?\})/g);
    const lists = [...text.matchAll(/foreach \(\$name in ([^)]*)\)/g)].map(([, names = '']) => names);
    expect(lists.join().match(/\w+/g)).toEqual(ofShell);
  });

  it('waits as long for the warehouse', async () => {
    stand.makeTool('npm', 'exit 1');
    stand.run(azureSql);
    const waits = stand.calls().flatMap((call) => /^sleep (\d+)$/.exec(call)?.[1] ?? []);
    expect(waits.length).toBeGreaterThan(3);
    // After the last try it waits no more, and fails.
    expect(/foreach \(\$wait in ([\d, ]+)\)/.exec(text)?.[1]?.split(', ')).toEqual([...waits, '0']);
    const { calls } = await readPowerShell(text, outputs);
    expect(calls.map((call) => call.text)).toContain('Start-Sleep -Seconds *');
  });

  it('says the same', async () => {
    stand.makeTool('npm', `test "$(grep -c ^npm '${stand.path('calls')}')" -gt 1`);
    const said = stand.run(azureSql).stdout.split('\n').filter(Boolean);
    expect(said.length).toBeGreaterThan(8);
    const { calls } = await readPowerShell(text, { ...outputs, ...azureSql });
    const lines = calls
      .filter((call) => startsWith(call, 'Write-Output'))
      .flatMap((call) => call.text.slice('Write-Output '.length).split('\n'))
      .filter(Boolean);
    expect(lines).toHaveLength(said.length);
    expect(said.filter((line, index) => !makePattern(lines[index] ?? '').matches(line))).toEqual([]);
  });
});
