import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import {
  durationFlag,
  fileFlag,
  fileWord,
  keyFlag,
  nameWord,
  numberFlag,
  switchFlag,
  textFlag,
  textWord,
  urlFlag,
  wholeWord,
} from '../../src/cli/commandLine/arguments';
import {
  type Action,
  action,
  type Command,
  optional,
  orList,
  UsageError,
} from '../../src/cli/commandLine/command';
import { refuseLostFlags } from '../../src/cli/commandLine/lostFlags';
import { parseCommandLine } from '../../src/cli/commandLine/parseCommandLine';
import { describeUsage } from '../../src/cli/commandLine/usage';

const fruitWord = nameWord(
  'fruit',
  async () => new Map(['apple', 'pear', 'plum'].map((name) => [name, { name }])),
);
const limitFlag = numberFlag({ meaning: 'how many', fallback: 20, least: 1, most: 100, whole: true });
const placeFlag = { file: textFlag('FILE', 'where it is kept') };
const run = async () => 0;

/** One action with two words. */
const weigh: Command = {
  call: 'npm run weigh',
  does: action({
    meaning: 'Weighs a fruit.',
    words: { fruit: fruitWord, scale: wholeWord('scale') },
    flags: { limit: limitFlag, wet: switchFlag('also where it is wet'), ...placeFlag },
    run,
  }),
};

const list = action({ meaning: 'all there are', flags: { limit: limitFlag, ...placeFlag }, run });
const eat = action({
  meaning: 'one of them',
  words: { fruit: fruitWord },
  flags: {
    limit: numberFlag({ meaning: 'how many bites', fallback: 3, most: 9 }),
    wash: switchFlag('before'),
    ...placeFlag,
  },
  run,
});
const ask = action({
  meaning: 'what you like',
  words: { question: textWord('question', 'a question in quotes') },
  run,
});
const fruits: Command = { call: 'npm run fruits', meaning: 'Fruits.', subcommands: { list, eat, ask } };

async function given(command: Command, ...args: string[]): Promise<Readonly<Record<string, unknown>>> {
  const asked = await parseCommandLine(command, args);
  if (asked === 'usage') throw new Error('The usage was asked for.');
  return asked.given;
}

async function chosen(...args: string[]): Promise<Action | 'usage'> {
  const asked = await parseCommandLine(fruits, args);
  return asked === 'usage' ? asked : asked.action;
}

/** The message for wrong arguments. */
async function refusal(command: Command, ...args: string[]): Promise<string> {
  const error = await parseCommandLine(command, args).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(UsageError);
  return (error as UsageError).message;
}

describe('words that may be left out', () => {
  const peel: Command = {
    call: 'npm run peel',
    does: action({
      meaning: 'Peels.',
      words: { fruit: optional(fruitWord), scale: optional(wholeWord('scale')) },
      run,
    }),
  };

  it('are undefined then, and read like others if they are given', async () => {
    expect(await given(peel)).toEqual({});
    expect(await given(peel, 'pear')).toEqual({ fruit: { name: 'pear' } });
    expect(await given(peel, 'pear', '3')).toEqual({ fruit: { name: 'pear' }, scale: 3 });
    expect(await refusal(peel, 'stone')).toBe('stone is no fruit: expected apple, pear or plum.');
  });

  it('stand in brackets in the usage', async () => {
    expect((await describeUsage(peel)).split('\n')[0]).toBe('npm run peel -- [fruit] [scale] [options]');
  });
});

describe('flags and words', () => {
  it('may stand in any order', async () => {
    const expected = { fruit: { name: 'pear' }, scale: 3, limit: 7, wet: true, file: 'a.json' };
    expect(await given(weigh, 'pear', '3', '--limit', '7', '--wet', '--file', 'a.json')).toEqual(expected);
    expect(await given(weigh, '--limit', '7', '--wet', '--file', 'a.json', 'pear', '3')).toEqual(expected);
    expect(await given(weigh, '--file=a.json', 'pear', '--wet', '--limit=7', '3')).toEqual(expected);
  });

  it('have default values for flags that are not given', async () => {
    expect(await given(weigh, 'plum', '0')).toEqual({
      fruit: { name: 'plum' },
      scale: 0,
      limit: 20,
      wet: false,
      file: undefined,
    });
  });

  it('are flags if they begin with dashes and a letter, and words after --', async () => {
    expect(await given(fruits, 'ask', '-- is this a question?')).toEqual({
      question: '-- is this a question?',
    });
    expect(await given(fruits, 'ask', '--', '--help')).toEqual({ question: '--help' });
    expect(await refusal(weigh, 'pear', '-5')).toBe(
      '-5 is no scale: expected a whole number from 0 to 9007199254740991.',
    );
  });

  it('show an empty value, and say that --help takes none', async () => {
    expect(await refusal(weigh, 'pear', '1', '--limit', '')).toMatch(/^--limit "": expected a whole number /);
    expect(await refusal(weigh, '--help=1')).toBe('--help takes no value.');
  });

  it('let the last of two equal flags hold', async () => {
    expect(await given(weigh, 'pear', '1', '--limit', '7', '--limit=8')).toMatchObject({ limit: 8 });
  });

  it('accept a value that contains =, or that begins like a flag after =', async () => {
    expect(await given(fruits, 'list', '--file', 'a=b')).toMatchObject({ file: 'a=b' });
    expect(await given(fruits, 'list', '--file=--b=c')).toMatchObject({ file: '--b=c' });
  });
});

describe('a wrong use', () => {
  it('of an option that is unknown is answered with those of the subcommand, wherever it stands', async () => {
    expect(await refusal(fruits, 'ask', '--bogus')).toBe(
      '--bogus is no option of fruits ask: expected --help.',
    );
    for (const args of [
      ['list', '--bogus=1'],
      ['--bogus', 'list'],
    ])
      expect(await refusal(fruits, ...args)).toBe(
        '--bogus is no option of fruits list: expected --limit, --file or --help.',
      );
    expect(await refusal(fruits, '--bogus')).toMatch(/no option of fruits: expected .*--wash/);
  });

  it.each([
    [['pear'], '<scale> is missing: expected a whole number from 0 to 9007199254740991.'],
    [[], '<fruit> is missing: expected apple, pear or plum.'],
    [['nut', '1'], 'nut is no fruit: expected apple, pear or plum.'],
    [['', '1'], 'An empty text is no fruit: expected apple, pear or plum.'],
    [['toString', '1'], 'toString is no fruit: expected apple, pear or plum.'],
    [['pear', '1.5'], '1.5 is no scale: expected a whole number from 0 to 9007199254740991.'],
    [
      ['pear', '99999999999999999'],
      '99999999999999999 is no scale: expected a whole number from 0 to 9007199254740991.',
    ],
    [['pear', '1', 'plum'], 'weigh takes <fruit> <scale>; plum is one too many.'],
    [['--dry', 'pear', '1'], '--dry is no option of weigh: expected --limit, --wet, --file or --help.'],
    [['--dry=1'], '--dry is no option of weigh: expected --limit, --wet, --file or --help.'],
    [['--constructor'], '--constructor is no option of weigh: expected --limit, --wet, --file or --help.'],
    [['-w'], '-w is no option of weigh: expected --limit, --wet, --file or --help.'],
    [['pear', '1', '--file'], '--file lacks its value: --file FILE.'],
    [['--file', '--wet', 'pear', '1'], '--file lacks its value: --file FILE.'],
    [['--file', '--', 'pear', '1'], '--file lacks its value: --file FILE.'],
    [['--wet=yes', 'pear', '1'], '--wet takes no value.'],
    [['--limit', '0', 'pear', '1'], '--limit 0: expected a whole number from 1 to 100.'],
    [['--limit', '2.5', 'pear', '1'], '--limit 2.5: expected a whole number from 1 to 100.'],
    [['--limit', '1e1', 'pear', '1'], '--limit 1e1: expected a whole number from 1 to 100.'],
    [['--limit=', 'pear', '1'], '--limit "": expected a whole number from 1 to 100.'],
  ])('%j is refused in one line', async (args, message) => {
    expect(await refusal(weigh, ...args)).toBe(message);
  });

  it.each([
    [[], '<subcommand> is missing: expected list, eat or ask.'],
    [['lst'], 'lst is no subcommand of fruits: expected list, eat or ask.'],
    [['--file', 'list'], '<subcommand> is missing: expected list, eat or ask.'],
    [['list', ''], 'fruits list takes no words; "" is one too many.'],
    [['list', 'apple'], 'fruits list takes no words; apple is one too many.'],
    [['eat', 'apple', 'pear'], 'fruits eat takes one fruit; pear is one too many.'],
    [['list', '--wash'], '--wash is no option of fruits list: expected --limit, --file or --help.'],
    [['ask', ''], 'An empty text is no question: expected a question in quotes.'],
  ])('%j of several subcommands is refused in one line', async (args, message) => {
    expect(await refusal(fruits, ...args)).toBe(message);
  });
});

describe('options that npm keeps to itself', () => {
  const lost = (args: string[], environment: Record<string, string>, command: Command = fruits) =>
    refuseLostFlags(command, args, environment);

  it('are refused, with the way to write them', () => {
    expect(() => lost(['list', 'a.json'], { npm_config_file: 'true' })).toThrow(
      new UsageError(
        'npm kept --file to itself: write options behind "--", as in "npm run fruits -- --file FILE".',
      ),
    );
    const dry = action({ meaning: '', flags: { 'dry-run': switchFlag('') }, run });
    const bench: Command = { call: 'npm run bench -- dry', does: dry };
    expect(() => lost([], { npm_config_dry_run: 'true' }, bench)).toThrow('"npm run bench -- dry --dry-run"');
  });

  it('are not refused if they reach the command too, are off, or are no options of the command', () => {
    lost(['list', '--file=a.json'], { npm_config_file: 'true' });
    lost(['list', '--file', 'a.json'], { npm_config_file: 'true' });
    lost(['eat', 'pear'], { npm_config_wash: '', npm_config_limit: 'false', npm_config_cache: '/c' });
  });
});

describe('subcommands', () => {
  it('are chosen by the first word, also after flags', async () => {
    expect(await chosen('list')).toBe(list);
    expect(await chosen('--file', 'eat', 'list')).toBe(list);
    expect(await chosen('--wash', 'eat', 'plum')).toBe(eat);
  });

  it('have their own flags, which may have the same name', async () => {
    expect(await given(fruits, 'list')).toMatchObject({ limit: 20 });
    expect(await given(fruits, '--limit', '2.5', 'eat', 'plum')).toMatchObject({ limit: 2.5 });
    expect(await refusal(fruits, 'list', '--limit', '2.5')).toContain('a whole number from 1 to 100');
  });
});

describe('the usage', () => {
  it.each([[['--help']], [['-h']], [['lst', '--dry', '--help']], [['eat', '--file', '--help']]])(
    'is what %j asks for',
    async (args) => expect(await parseCommandLine(fruits, args)).toBe('usage'),
  );

  it('lists words with their accepted values, and flags', async () => {
    expect(await describeUsage(weigh)).toBe(
      [
        'npm run weigh -- <fruit> <scale> [options]',
        'Weighs a fruit.',
        '',
        '  <fruit>      apple, pear or plum',
        '  <scale>      a whole number from 0 to 9007199254740991',
        '  --limit N    how many, by default 20',
        '  --wet        also where it is wet',
        '  --file FILE  where it is kept',
        '  --help       this',
      ].join('\n'),
    );
  });

  it('explains every subcommand and its arguments', async () => {
    expect(await describeUsage(fruits)).toBe(
      [
        'npm run fruits -- <subcommand> [options]',
        'Fruits.',
        '',
        '  list            all there are',
        '  eat <fruit>     one of them',
        '  ask <question>  what you like',
        '',
        '  <fruit>      apple, pear or plum',
        '  <question>   a question in quotes',
        '  --limit N    list: how many, by default 20',
        '  --limit N    eat: how many bites, by default 3',
        '  --file FILE  list, eat: where it is kept',
        '  --wash       eat: before',
        '  --help       this',
      ].join('\n'),
    );
  });
});

describe('the kinds of flags', () => {
  it('read numbers with limits', () => {
    const { read } = numberFlag({ meaning: '', fallback: 1, most: 10 });
    expect(['0', '10', '2.5', '10.1', '-1', '', 'x', '1e1', ' 1'].map(read)).toEqual([
      0,
      10,
      2.5,
      ...Array(6).fill(undefined),
    ]);
  });

  it('read paths as they are seen from the folder in which npm was called', () => {
    const read = (path: string) => [fileFlag('').read(path), fileWord('').read(path)];
    vi.stubEnv('INIT_CWD', join(process.cwd(), 'docs'));
    expect(read('a.csv')).toEqual(Array(2).fill(join(process.cwd(), 'docs', 'a.csv')));
    expect(read('/a.csv')).toEqual(['/a.csv', '/a.csv']);
    vi.stubEnv('INIT_CWD', `${process.cwd()}/`);
    expect([...read('a.csv'), ...read('')]).toEqual(['a.csv', 'a.csv', undefined, undefined]);
    vi.stubEnv('INIT_CWD', undefined);
    expect(read('a.csv')).toEqual(['a.csv', 'a.csv']);
    vi.unstubAllEnvs();
  });

  it('read durations as milliseconds', () => {
    const { read } = durationFlag('20s', '');
    expect(['0s', '0ms'].map(read)).toEqual([undefined, undefined]);
    // Node.js would not wait at all.
    expect(['576h', '576.1h', '1000h'].map(read)).toEqual([24 * 86_400_000, undefined, undefined]);
    expect(['20s', '1.5m', '1h', '250ms', '1d', '20'].map(read)).toEqual([
      20_000,
      90_000,
      3_600_000,
      250,
      undefined,
      undefined,
    ]);
  });

  it('read addresses of http and https', () => {
    const { read } = urlFlag('', 'http://127.0.0.1:7071');
    expect(read('https://x.azurewebsites.net')?.host).toBe('x.azurewebsites.net');
    const refused = [
      'x.azurewebsites.net',
      'localhost:7071',
      'file:///x',
      '',
      'https://u:p@x',
      'https://x/api',
    ];
    expect(refused.map(read)).toEqual(refused.map(() => undefined));
  });

  it('read keys that a header can carry, and never show one', async () => {
    const { read } = keyFlag('');
    expect(read('aB3_-=/+')).toBe('aB3_-=/+');
    expect(['a\nb', 'a b', 'ключ', ''].map(read)).toEqual(Array(4).fill(undefined));
    const flags = { key: keyFlag(''), url: urlFlag('', 'http://127.0.0.1') };
    const command = { call: 'npm run x', does: action({ meaning: '', flags, run: async () => 0 }) };
    for (const args of [
      ['--key', 's3cret\n'],
      ['--url', 'https://u:s3cret@x'],
      ['--url', 'https://x?code=s3cret'],
    ])
      await expect(parseCommandLine(command, args)).rejects.toThrow(
        /^--(?:key|url) (?!.*s3cret).*: expected /s,
      );
  });
});

it('lists names as one says them', () => {
  expect([orList([]), orList(['a']), orList(['a', 'b']), orList(['a', 'b', 'c'])]).toEqual([
    '',
    'a',
    'a or b',
    'a, b or c',
  ]);
});
