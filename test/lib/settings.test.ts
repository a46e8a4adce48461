import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { settingDefinitions } from '../../src/lib/settingDefinitions';
import { parseSettings } from '../../src/lib/settings';

const sample: { Values: Record<string, string> } = JSON.parse(
  readFileSync('local.settings.sample.json', 'utf8'),
);

/** Settings of the Functions host itself, which the app never reads. */
const ofTheHost = ['AzureWebJobsStorage', 'FUNCTIONS_WORKER_RUNTIME'];

const complete = {
  EventHubConnection:
    'Endpoint=sb://contoso.servicebus.windows.net/;SharedAccessKeyName=app;SharedAccessKey=c2VjcmV0',
  LakeStorage:
    'DefaultEndpointsProtocol=https;AccountName=contoso;AccountKey=c2VjcmV0;EndpointSuffix=core.windows.net',
  CONSUMER_GROUP: 'tributary',
  CLICKSTREAM_HUB: 'clickstream',
  CLICKSTREAM_SCHEDULE: '* * * * * *',
  COINCAP_HUB: 'coincap',
  COINCAP_SCHEDULE: '0 */30 * * * *',
};

const problemsOf = (environment: Record<string, string>): string => {
  try {
    parseSettings(environment);
  } catch (error) {
    expect(error).toMatchObject({ code: 'settings.invalid', retriable: false });
    return String(error);
  }
  return '';
};

describe('the settings', () => {
  it('have the documented defaults', () => {
    const settings = parseSettings(complete);
    expect(settings).toMatchObject({
      lakeContainer: 'lake',
      clicksPerSecond: 100,
      commitIntervalMs: 1000,
      countsRefreshMs: 250,
      warehouse: { kind: 'none' },
      coincap: { apiKey: undefined },
    });
    expect(settings.coincap.url.href).toBe('https://rest.coincap.io/');
    expect(settings.hub('CLICKSTREAM_HUB')).toBe('clickstream');
  });

  it('report everything that is missing at once', () => {
    const problems = problemsOf({});
    for (const { name, expected, default: fallback } of settingDefinitions) {
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
      COINCAP_URL: 'http://rest.coincap.io',
    });
    for (const name of [
      'EventHubConnection',
      'LakeStorage',
      'LAKE_CONTAINER',
      'CLICKS_PER_SECOND',
      'COMMIT_INTERVAL',
      'COINCAP_URL',
    ]) {
      expect(problems).toContain(`- ${name} is malformed: expected `);
    }
    expect(problems).not.toContain('c2VjcmV0');
  });

  it('take identities in place of connection strings', () => {
    const { EventHubConnection: _, LakeStorage: __, ...rest } = complete;
    const settings = parseSettings({
      ...rest,
      EventHubConnection__fullyQualifiedNamespace: 'contoso.servicebus.windows.net',
      LakeStorage__blobServiceUri: 'https://contoso.blob.core.windows.net',
      LakeStorage__clientId: 'id-of-the-identity',
    });
    expect(settings.eventHubs).toEqual({ fullyQualifiedNamespace: 'contoso.servicebus.windows.net' });
    expect(settings.lake).toEqual({
      blobServiceUri: 'https://contoso.blob.core.windows.net',
      clientId: 'id-of-the-identity',
    });
    expect(
      problemsOf({
        ...rest,
        EventHubConnection__fullyQualifiedNamespace: 'sb://x',
        LakeStorage__blobServiceUri: 'x',
      }),
    ).toMatch(
      /EventHubConnection__fullyQualifiedNamespace is malformed[\s\S]*LakeStorage__blobServiceUri is malformed/,
    );
  });

  it('refuse an EntityPath that names another hub', () => {
    const EventHubConnection = `${complete.EventHubConnection};EntityPath=coincap`;
    const problems = problemsOf({ ...complete, EventHubConnection });
    expect(problems).toContain('EntityPath=coincap, but CLICKSTREAM_HUB is clickstream');
    expect(problems).not.toContain('COINCAP_HUB');
  });

  it.each([
    ['250ms', 250],
    ['1.5s', 1500],
    ['1m', 60_000],
  ])('read %s as milliseconds', (text, expected) => {
    expect(parseSettings({ ...complete, COMMIT_INTERVAL: text }).commitIntervalMs).toBe(expected);
  });

  it('take plain http for this machine alone', () => {
    for (const host of ['127.0.0.1:7072', 'localhost:7072', '[::1]:7072']) {
      expect(parseSettings({ ...complete, COINCAP_URL: `http://${host}` }).coincap.url.host).toBe(host);
    }
  });
});

describe('the list of settings', () => {
  const names = settingDefinitions.map(({ name }) => name);

  it('is the one of local.settings.sample.json, whose values are valid', () => {
    expect(Object.keys(sample.Values).sort()).toEqual([...names, ...ofTheHost].sort());
    expect(problemsOf(sample.Values)).toBe('');
  });

  it('is the one of the table in docs/settings.md, with the same meanings and defaults', () => {
    const rows = readFileSync('docs/settings.md', 'utf8')
      .split('\n')
      .filter((line) => /^\| `[A-Za-z_]+` \|/.test(line));
    expect(rows).toEqual(
      settingDefinitions.map(({ name, meaning, expected, default: fallback }) => {
        const byDefault = fallback === undefined ? 'required' : fallback === '' ? 'none' : `\`${fallback}\``;
        // Outside of code a reader of Markdown would not see what stands in angle brackets.
        const form = expected.includes('<') ? `\`${expected}\`` : expected;
        return `| \`${name}\` | ${meaning} | ${form} | ${byDefault} |`;
      }),
    );
  });
});
