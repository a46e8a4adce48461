import { type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { type Azurite, startAzurite } from '../../local/azurite';
import { settingsAt } from '../../local/processes';
import { openAzureBlobStore, openContainer } from '../../src/lib/storage/azureBlobStore';
import { endCommand, runCommand } from '../kit/runCommand';
import { StreamTables } from '../lib/verify/streamTables';

/*
 * `npm run query` as its users run it, on a lake in Azurite.
 */

const hostile = '\u001b]0;owned\u0007\u202e=1+2';
const shown = '\\u001b]0;owned\\u0007\\u202e=1+2';
const file = resolve('dist/src/cli/query.js');
const folder = mkdtempSync(join(tmpdir(), 'query-'));
/** Where the command makes its own folder. */
const temporary = join(folder, 'tmp');

let azurite: Azurite;
let env: NodeJS.ProcessEnv;
beforeAll(async () => {
  mkdirSync(temporary);
  azurite = await startAzurite();
  const { connectionString } = azurite;
  await (await openContainer({ connectionString }, 'empty')).create();
  const tables = new StreamTables(await openAzureBlobStore({ connectionString }, 'lake'));
  await tables.commit(
    [0, 1, 2].map((sequenceNumber) => [0, sequenceNumber]),
    [[0, 2]],
  );
  await tables.commit([[1, 1]], [[1, 1]]);
  await tables.addLetters([{ partition: 0, sequenceNumber: 3, body: hostile }]);
  const settings = settingsAt({ storageConnection: connectionString, brokerPort: 1 });
  env = { PATH: process.env.PATH, TMPDIR: temporary, ...settings };
});
afterAll(async () => {
  await azurite.close();
  rmSync(folder, { recursive: true });
});

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs it to its end. Nothing may be left of its folder. */
async function query(
  args: readonly string[],
  stdin: string | Buffer = '',
  own: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const options: SpawnOptions = { cwd: folder, env: { ...env, ...own }, stdio: 'pipe' };
  const child = spawn(process.execPath, [file, ...args], options);
  const ended = { out: '', err: '' };
  child.stdout?.on('data', (chunk) => {
    ended.out += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    ended.err += chunk;
  });
  child.stdin?.end(stdin);
  const code = await new Promise<number | null>((done) => child.once('close', done));
  expect(readdirSync(temporary)).toEqual([]);
  return { code, out: ended.out, err: ended.err.replace('Settings: the environment.\n', '') };
}

it('prints rows as a table, and on stderr which version they are of', async () => {
  const sql = "select productid, count(*) as clicks, 'a' as text from clicks group by 1 order by 1";
  const { code, out, err } = await query([sql, '--rows', '2']);
  expect([code, out]).toEqual([
    0,
    'productid  clicks  text\n        1       1  a\n        2       2  a\n' +
      '(3 rows, of which these are the first 2: "npm run query -- --rows N" shows more)\n',
  ]);
  expect(err).toMatch(/^clicks version 2 of \d{4}-\S+Z: 2 files, [\d,]+ of [\d,]+ bytes copied\.\n$/);
});

it('prints numbers of any length and hostile text in each form', async () => {
  const sql =
    'select 12345678901234567890::hugeint n, -1.50::decimal(9, 2) d, -7 as "a,b", body, null as nothing, 0.5::double f from dead_letters;\n';
  const none = 'select 1 as a where false;\n';
  const { code, out, err } = await query([], `.csv\n${sql}.json\n${none}${sql}.table\n${sql}`);
  expect(code).toBe(0);
  const lines = out.split('\n');
  const json = lines.slice(2, -4);
  expect(lines).toEqual([
    'n,d,"a,b",body,nothing,f\r',
    `12345678901234567890,'-1.50,-7,${shown},,0.5\r`,
    '[]',
    '[',
    `{"n": 12345678901234567890, "d": -1.50, "a,b": -7, "body": "${shown}", "nothing": null, "f": 0.5}`,
    ']',
    `                   n      d  a,b  body${' '.repeat(shown.length - 4)}  nothing    f`,
    `12345678901234567890  -1.50   -7  ${shown}     NULL  0.5`,
    '(1 row)',
    '',
  ]);
  expect(JSON.parse(json.slice(1).join('\n'))[0].body).toBe(hostile);
  expect(`${out}${err}`.replace(/[\r\n]/g, '')).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
});

it('reads a version that is not the newest, and says if there is none', async () => {
  const sql = 'select count(*) as n from clicks';
  expect((await query([sql, '--version', '1', '--csv'])).out).toBe('n\r\n3\r\n');
  expect(await query([sql, '--version', '9'])).toMatchObject({
    code: 1,
    out: '',
    err: expect.stringMatching(
      /^There is no version 9 of clicks yet: the newest is 2\. Those in its log: npm run table -- history clicks\n$/m,
    ),
  });
});

it('says of a file in UTF-16 that it must be in UTF-8', async () => {
  const { code, err } = await query([], Buffer.from('\ufeffselect 1;', 'utf16le'));
  expect([code, err]).toEqual([
    1,
    expect.stringMatching(
      /^Statement 1, ".*": It has a NUL character, which SQL cannot have\. A file must be in UTF-8, not in UTF-16\.$/m,
    ),
  ]);
});

it('runs the statements of stdin up to the first error', async () => {
  const { code, out, err } = await query(
    ['--csv'],
    // It reads columns that it does not name, so that they are copied when it has failed without them.
    "select count(*) as n from clicks natural join clicks c; select ';' as a, -- a; b\n 2 as b; \n\nclicks_per_category;\nselect 3 as c; drop table clicks;\nselect 4;",
  );
  expect([code, out]).toEqual([1, 'n\r\n0\r\na,b\r\n;,2\r\ncategory,clicks,products\r\n1,4,3\r\nc\r\n3\r\n']);
  expect(err).toMatch(
    /^(?:clicks version 2 .*\n){3}Statement 5, "drop table clicks": A query is one SELECT statement and nothing else\.\n$/,
  );
  expect(await query([])).toMatchObject({
    code: 2,
    err: expect.stringMatching(/^There is no statement, and stdin has none\.\n/),
  });
});

it('lists tables, columns and saved queries without settings', async () => {
  const done = spawnSync(process.execPath, [file, '--list'], { cwd: folder, env: {}, encoding: 'utf8' });
  expect([done.status, done.stderr]).toEqual([0, '']);
  expect(done.stdout).toMatch(/^ {2}clicks: productid integer not null, timestamp timestamp, /m);
  expect(done.stdout).toMatch(/^ {2}clicks_per_session: each session with its first and last click, /m);
});

it('says what is wrong with a statement, a table or a word', async () => {
  expect(await query(['select productidd from clicks'])).toMatchObject({
    code: 1,
    out: '',
    err: expect.stringMatching(/Binder Error: .*productidd[\s\S]*Candidate bindings: "productid"/),
  });
  expect(await query(['select * from clicks'], '', { LAKE_CONTAINER: 'empty' })).toMatchObject({
    code: 1,
    err: 'devstoreaccount1/empty (LakeStorage and LAKE_CONTAINER) has no table clicks: nothing was ingested yet.\n',
  });
  const csv = await query(['select 1', '--csv', '--json']);
  expect([csv.code, csv.err.split('\n')[0]]).toEqual([
    2,
    '--csv and --json are two forms of the rows: leave one of them out.',
  ]);
  expect((await query(['clicks'])).err).toMatch(
    /^clicks is no query: expected a SELECT statement in quotes, or clicks_per_product, .*\.\n/,
  );
});

it.each([
  [['select 1', '--csv', '--rows', '2'], '--csv writes all rows: leave out --rows.'],
  [['select 1', '--json', '--rows', '2'], '--json writes all rows: leave out --rows.'],
  [['--list', 'select 1'], '--list takes no query: leave one of them out.'],
  [['--list', '--csv'], '--list takes no --csv: leave one of them out.'],
  [['--list', '--version', '0'], '--list takes no --version: leave one of them out.'],
])('refuses %j, of which a part would be passed over', async (args, message) => {
  const refused = await query(args);
  expect([refused.code, refused.out, refused.err.split('\n')[0]]).toEqual([2, '', message]);
});

it('ends with 141 and without a word when its output is cut', () => {
  const call = `"${process.execPath}" "${file}" "select * from range(300000)" --csv | head -1; echo "\${PIPESTATUS[0]}"`;
  const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', call], {
    cwd: folder,
    env,
    encoding: 'utf8',
  });
  expect([stdout, stderr]).toEqual(['range\r\n141\n', 'Settings: the environment.\n']);
});

it.each(['SIGINT', 'SIGTERM'] as const)('ends on %s, and leaves nothing behind', async (signal) => {
  const endless = 'select count(*) from clicks, range(1000000000000)';
  const command = runCommand('src/cli/query.js', [endless], folder, env);
  onTestFinished(() => endCommand(command));
  await command.until(/clicks version 2/);
  command.process.kill(signal);
  expect([await command.ended, readdirSync(temporary)]).toEqual([130, []]);
  expect(command.text()).toMatch(/Stopped\.\n$/);
});

const hasTerminal = spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux');

/** `npm run query` on a terminal of its own, where text can be typed. */
function onTerminal() {
  const run = spawn('script', ['-qec', `exec ${process.execPath} ${file}`, '/dev/null'], {
    cwd: folder,
    env: { ...env, TERM: 'xterm', SHELL: '/bin/sh' },
  });
  onTestFinished(() => void run.kill('SIGKILL'));
  let text = '';
  run.stdout.on('data', (chunk) => {
    text += chunk;
  });
  const answers = async (typed: string, expected: RegExp) => {
    text = '';
    run.stdin.write(typed);
    await expect.poll(() => text, { timeout: 20_000 }).toMatch(expected);
  };
  const ended = new Promise((done) => run.once('close', done));
  return { run, answers, ended };
}

it.runIf(hasTerminal)('asks for statements on a terminal, where Ctrl-C stops one of them', async () => {
  const { run, answers, ended } = onTerminal();
  await answers('', /lake> /);
  await answers('select count(*) as n\n', /\.\.\. /);
  await answers('from clicks;\n', /clicks version 2 [\s\S]*\n4\r\n\(1 row\)[\s\S]*lake> /);
  await answers('select 1 / ;\n', /syntax error[\s\S]*lake> /);
  await answers('.csv\nclicks_per_category\n', /1,4,3[\s\S]*lake> /);
  await answers('.what\n', /\.what is no command[\s\S]*lake> /);
  await answers('half of a\n\u0003', /\n\S*lake> /);
  await answers('select 1\n', /\.\.\. /);
  await answers('as one;\nselect 2 as two;\n', /one[\s\S]*two[\s\S]*lake> /);
  await answers('select count(*) from range(1000000000000) a, clicks;\n', /clicks version 2/);
  await answers('\u0003', /Stopped\.[\s\S]*lake> /);
  await answers('select 7 * 6 as answer;\n', /answer\s+42[\s\S]*lake> /);
  run.stdin.write('.exit\n');
  expect([await ended, readdirSync(temporary)]).toEqual([0, []]);
  expect(existsSync(temporary)).toBe(true);
});

it.runIf(hasTerminal)('ends on a second Ctrl-C at the prompt, and leaves nothing behind', async () => {
  const { run, answers, ended } = onTerminal();
  await answers('', /lake> /);
  await answers('select count(*) from range(1000000000000) a, clicks;\n', /clicks version 2/);
  await answers('\u0003', /Stopped\.[\s\S]*lake> /);
  await answers('half', /half/);
  await answers('\u0003', /Ctrl-C again ends it[\s\S]*lake> /);
  run.stdin.write('\u0003');
  expect([await ended, readdirSync(temporary)]).toEqual([130, []]);
});
