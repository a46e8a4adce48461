import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readLocalSettings } from '../../src/cli/localSettings';
import { type SettingDefinition, settingDefinitions } from '../../src/lib/settingDefinitions';
import { parseSettings } from '../../src/lib/settings';
import { clickstream } from '../../src/lib/streams/clickstream';
import { loadStreams } from '../../src/lib/streams/loadStreams';
import { type Stream, settingsOf } from '../../src/lib/streams/stream';

const sample = readLocalSettings('local.settings.sample.json');

/** Settings of the Functions host itself, which the app never reads. */
const ofTheHost = ['AzureWebJobsStorage', 'FUNCTIONS_WORKER_RUNTIME'];

/** Its settings are of every kind: required, with a default and a check, and a key that may be left out. */
const tides: Stream = {
  ...clickstream,
  name: 'tides',
  hubSetting: 'TIDES_HUB',
  settings: [
    { name: 'TIDES_SCHEDULE', meaning: 'When the tides are asked for.', expected: 'a schedule' },
    {
      name: 'TIDES_HEIGHT',
      meaning: 'The highest one.',
      expected: 'meters up to 20',
      default: '10',
      check(value) {
        if (!/^\d+$/.test(value)) return 'is malformed';
        return Number(value) > 20 ? 'is out of range' : undefined;
      },
    },
    { name: 'TIDES_KEY', meaning: 'The key of the source.', expected: 'a key', default: '' },
  ],
};
const [schedule, height, key] = tides.settings ?? [];

const ofTheApp = {
  EventHubConnection:
    'Endpoint=sb://contoso.servicebus.windows.net/;SharedAccessKeyName=app;SharedAccessKey=c2VjcmV0',
  LakeStorage:
    'DefaultEndpointsProtocol=https;AccountName=contoso;AccountKey=c2VjcmV0;EndpointSuffix=core.windows.net',
  CONSUMER_GROUP: 'tributary',
};

const complete = {
  ...ofTheApp,
  CLICKSTREAM_HUB: 'clickstream',
  CLICKSTREAM_SCHEDULE: '* * * * * *',
  TIDES_HUB: 'tides',
  TIDES_SCHEDULE: '0 */30 * * * *',
};

const streams = [clickstream, tides];

describe('settings that the app itself does not read', () => {
  const besides = (environment: Record<string, string>) =>
    parseSettings({ ...complete, ...environment }, streams).problemsBesides();
  const password = (user: string) => `Server=s;Database=rows;User Id=${user};Password=p;Encrypt=true`;

  it.each<[Record<string, string>, string[]]>([
    [{ FUNCTIONS_WORKER_RUNTIME: 'node', WAREHOUSE_READER: 'none' }, []],
    [{ WAREHOUSE: password('app'), WAREHOUSE_READER: password('reader') }, []],
    [
      { WAREHOUSE: 'duckdb:rows.duckdb', WAREHOUSE_READER: password('reader') },
      ['WAREHOUSE_READER is not used, because WAREHOUSE is no database: set it to none.'],
    ],
    [
      { WAREHOUSE: password('app'), WAREHOUSE_READER: password('app') },
      [expect.stringMatching(/^WAREHOUSE_READER has the login of WAREHOUSE, /)],
    ],
    [
      { FUNCTIONS_WORKER_RUNTIME: 'python' },
      ['FUNCTIONS_WORKER_RUNTIME names another language: expected node.'],
    ],
    [
      { LakeStorage__clientId: 'id', TIDES_SEND: ofTheApp.EventHubConnection, TIDES_SEND__credential: 'x' },
      [
        'LakeStorage__clientId is not used, because LakeStorage is set: remove one of them.',
        'TIDES_SEND__credential is not used, because TIDES_SEND is set: remove one of them.',
      ],
    ],
  ])('%j', (environment, problems) => {
    expect(besides(environment)).toEqual(problems);
  });
});

const problemsOf = (environment: Record<string, string>, of = streams): string => {
  try {
    parseSettings(environment, of);
  } catch (error) {
    expect(error).toMatchObject({ code: 'settings.invalid', retriable: false });
    return String(error);
  }
  return '';
};

describe('the settings', () => {
  it('have the documented defaults', () => {
    expect(parseSettings(complete, streams)).toMatchObject({
      lakeContainer: 'lake',
      commitIntervalMs: 1000,
      countsRefreshMs: 250,
      countedProducts: 250_000,
      targetFileBytes: 33_554_432,
      warehouse: { kind: 'none' },
    });
  });

  it('report everything that is missing at once', () => {
    const problems = problemsOf({});
    const all = [...settingDefinitions, ...streams.flatMap(settingsOf)];
    expect(all.length).toBeGreaterThan(12);
    for (const { name, expected, default: fallback } of all) {
      if (fallback === undefined) expect(problems).toContain(`- ${name} is missing: expected ${expected}.`);
      else expect(problems).not.toContain(`- ${name} `);
    }
  });

  it('report everything that is malformed at once, by name and never by value', () => {
    const problems = problemsOf({
      ...complete,
      EventHubConnection: 'Endpoint=sb://contoso.servicebus.windows.net/;SharedAccessKey=c2VjcmV0',
      LakeStorage: 'AccountKey=c2VjcmV0',
      LAKE_CONTAINER: 'Not_A_Container',
      CLICKS_PER_SECOND: 'many',
      COMMIT_INTERVAL: '1 fortnight',
      TIDES_HEIGHT: 'high',
    });
    for (const name of [
      'EventHubConnection',
      'LakeStorage',
      'LAKE_CONTAINER',
      'CLICKS_PER_SECOND',
      'COMMIT_INTERVAL',
      'TIDES_HEIGHT',
    ]) {
      expect(problems).toContain(`- ${name} is malformed: expected `);
    }
    expect(problems).not.toContain('c2VjcmV0');
  });

  it.each([
    'LakeStorage',
    'EventHubConnection',
    'CONSUMER_GROUP',
    'WAREHOUSE',
    'COMMIT_INTERVAL',
    'TIDES_KEY',
  ])('refuse a reference to Key Vault that was not resolved, and quotes: %s', (name) => {
    const reference = '@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/cc/)';
    expect(
      problemsOf({ ...complete, [name]: reference })
        .split('\n')
        .slice(1),
    ).toEqual([
      `- ${name} is a reference to Key Vault that was not resolved: in Azure, see that the secret exists and that the app's identity may read it; anywhere else, set the value itself.`,
    ]);
    const { [name]: value = 'none' } = complete as Record<string, string>;
    for (const quote of ['"', "'"])
      expect(
        problemsOf({ ...complete, [name]: `${quote}${value}${quote}` })
          .split('\n')
          .slice(1),
      ).toEqual([`- ${name} is in quotes: remove them.`]);
  });

  it.each([
    ['EventHubConnection', '“', 'has typographic quotes around it'],
    ['CONSUMER_GROUP', '’', 'has typographic quotes around it'],
    ['LakeStorage', '"', 'begins with a quote that does not end'],
  ] as const)('refuse a quote in front: %s', (name, quote, what) => {
    const problems = problemsOf({ ...complete, [name]: `${quote}${complete[name]}` });
    expect(problems.split('\n').slice(1)).toEqual([expect.stringContaining(`- ${name} ${what}`)]);
  });

  it('accept a path with an apostrophe', () => {
    const warehouse = 'duckdb:/home/Ann’s files/w.duckdb';
    expect(parseSettings({ ...complete, WAREHOUSE: warehouse }, streams).warehouse).toMatchObject({
      path: '/home/Ann’s files/w.duckdb',
    });
  });

  it.each(['LakeStorage', 'EventHubConnection'] as const)(
    'refuse text in a connection string that no part of it can have: %s',
    (name) => {
      const text = complete[name];
      for (const [changed, what] of [
        ['=@Microsoft.KeyVault(VaultName=v;SecretName=key)', 'has a reference to Key Vault inside'],
        ['=“c2VjcmV0”', 'has typographic quotes around it or a part of it'],
        ["='c2VjcmV0'", 'has a part in quotes'],
        ['="c2VjcmV0"', 'has a part in quotes'],
        ['=<key>', 'has a placeholder in angle brackets'],
        ['=c2Vj\ncmV0', 'has a line break or an invisible character inside'],
        ['=c2Vj\u200bcmV0', 'has a line break or an invisible character inside'],
      ] as const) {
        const problems = problemsOf({ ...complete, [name]: text.replace('=c2VjcmV0', changed) });
        expect(problems.split('- ').slice(1)).toEqual([expect.stringContaining(`${name} ${what}`)]);
        expect(problems).not.toContain('cmV0');
      }
    },
  );

  it.each([
    ['250ms', 250],
    ['1.5s', 1500],
    ['1m', 60_000],
  ])('read %s as milliseconds', (text, expected) => {
    expect(parseSettings({ ...complete, COMMIT_INTERVAL: text }, streams).commitIntervalMs).toBe(expected);
  });
});

describe("a stream's settings", () => {
  it('are only required if the stream exists', () => {
    expect(problemsOf(ofTheApp, [])).toBe('');
    expect(problemsOf(ofTheApp, [tides])).toMatch(/^(?=.*TIDES_HUB is missing)(?!.*CLICKSTREAM)/s);
  });

  it('are read as they are set, or else by their defaults', () => {
    const settings = parseSettings({ ...complete, TIDES_KEY: ' secret ' }, streams);
    expect(settings.hub(tides, 'listen').hub).toBe('tides');
    expect([schedule, height, key].map((one) => one && settings.text(one))).toEqual([
      '0 */30 * * * *',
      '10',
      'secret',
    ]);
  });

  it('are refused if no hub, or no consumer group, can have the name', () => {
    expect(problemsOf({ ...complete, TIDES_HUB: 'Tides x', CONSUMER_GROUP: 'my group' })).toMatch(
      /^- CONSUMER_GROUP is malformed: expected a consumer group: at most 50 characters of the letters .*, or \$Default\.\n- TIDES_HUB is malformed: expected the name of an event hub, of the letters .*\.$/m,
    );
    expect(problemsOf({ ...complete, CONSUMER_GROUP: '$Default' })).toBe('');
    expect(() => parseSettings({ ...complete, TIDES_HUB: 'tides-' }).hub(tides, 'listen')).toThrow(
      /- TIDES_HUB is malformed: expected the name of an event hub/,
    );
  });

  it('are named in one line when they are needed and missing after all', () => {
    const settings = parseSettings(ofTheApp);
    expect(() => settings.hub(tides, 'listen')).toThrow(
      /- TIDES_HUB is missing: expected the name of an event hub, of the letters .*\.$/,
    );
    expect(() => schedule && settings.text(schedule)).toThrow(
      /^TIDES_SCHEDULE is missing: expected a schedule.$/,
    );
  });

  it('may be out of range', () => {
    const problems = problemsOf({ ...complete, TIDES_HEIGHT: '21', CLICKS_PER_SECOND: '100001' });
    expect(problems).toContain('- TIDES_HEIGHT is out of range: expected meters up to 20.');
    expect(problems).toContain('- CLICKS_PER_SECOND is out of range: expected a number from 0 to 100000.');
  });

  it.each([
    ['0', 'is out of range'],
    ['1000001', 'is out of range'],
    ['1e5', 'is malformed'],
    ['-1', 'is malformed'],
    ['many', 'is malformed'],
  ])('may be no number of products: %s', (value, what) => {
    expect(problemsOf({ ...complete, COUNTED_PRODUCTS: value })).toContain(
      `- COUNTED_PRODUCTS ${what}: expected a whole number from 1 to 1000000.`,
    );
    for (const fine of ['1', '1000000'])
      expect(parseSettings({ ...complete, COUNTED_PRODUCTS: fine }, streams).countedProducts).toBe(
        Number(fine),
      );
  });

  it('give the size of compacted files in MiB', () => {
    expect(parseSettings({ ...complete, TARGET_FILE_MB: '128' }, streams).targetFileBytes).toBe(134_217_728);
    expect(problemsOf({ ...complete, TARGET_FILE_MB: '513' })).toContain(
      '- TARGET_FILE_MB is out of range: expected a whole number from 1 to 512.',
    );
  });
});

/** The rows of the table under a heading of docs/settings.md. */
function documented(heading: string): string[] {
  const page = readFileSync('docs/settings.md', 'utf8').split('\n');
  const from = page.indexOf(heading) + 1;
  const to = page.findIndex((line, index) => index >= from && line.startsWith('#'));
  return from === 0 ? [] : page.slice(from, to).filter((line) => /^\| `[A-Za-z_]+` \|/.test(line));
}

function rowOf({ name, meaning, expected, default: fallback }: SettingDefinition): string {
  const byDefault = fallback === undefined ? 'required' : fallback === '' ? 'none' : `\`${fallback}\``;
  // Outside of code, Markdown would not show text in angle brackets.
  const form = expected.includes('<') ? `\`${expected}\`` : expected;
  return `| \`${name}\` | ${meaning} | ${form} | ${byDefault} |`;
}

describe('docs/settings.md and local.settings.sample.json', () => {
  it('have every setting of the app, with the same meanings and defaults', () => {
    expect(documented('# Settings')).toEqual(settingDefinitions.map(rowOf));
    const names = settingDefinitions.map(({ name }) => name);
    expect(Object.keys(sample)).toEqual(expect.arrayContaining([...names, ...ofTheHost]));
  });

  it('have those of every stream that has more than a hub', async () => {
    const described = (await loadStreams()).filter(({ settings }) => settings);
    expect(described).toContain(clickstream);
    for (const stream of described) {
      const definitions = settingsOf(stream);
      expect(documented(`### The stream \`${stream.name}\``)).toEqual(definitions.map(rowOf));
      expect(Object.keys(sample)).toEqual(expect.arrayContaining(definitions.map(({ name }) => name)));
    }
    expect(problemsOf(sample, described)).toBe('');
  });

  it('name the same settings', () => {
    const page = readFileSync('docs/settings.md', 'utf8');
    for (const name of Object.keys(sample)) expect(page).toContain(`\`${name}\``);
  });
});
