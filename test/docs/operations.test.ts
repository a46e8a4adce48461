import { globSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const read = (path: string) => readFileSync(path, 'utf8');

/** The events that docs/errors.md lists. */
const listed = [...read('docs/errors.md').matchAll(/^\| `([a-z-]+)` \| (?:information|warning|error)/gm)].map(
  ([, event]) => event,
);

it('docs/errors.md lists each event that the app logs', () => {
  const code = globSync('src/**/*.ts').map(read).join('\n');
  const logged = [...code.matchAll(/logEvent\(\s*(?:'\w+'|[^',]+),\s*'([a-z-]+)'/g)].map(
    ([, event]) => event,
  );
  expect(logged.length).toBeGreaterThan(10);
  expect(logged.filter((event) => !listed.includes(event))).toEqual([]);
});

it.each(['docs/operations.md', 'deploy/infra/modules/alerts.bicep'])(
  '%s asks the log for lines that there are',
  (path) => {
    const text = read(path);
    const inQueries = [...text.matchAll(/line\.event (?:== |in \()("[^)\n]*")/g)].flatMap(([, names = '']) =>
      names.match(/[a-z-]+/g),
    );
    const inAlerts = [...text.matchAll(/\\\\"event\\\\":\\\\"([a-z-]+)/g)].map(([, event]) => event);
    const asked = [...inQueries, ...inAlerts];
    expect(asked.length).toBeGreaterThan(3);
    expect(asked.filter((event) => !listed.includes(event ?? ''))).toEqual([]);
  },
);

/** The fields of a round that are not in its report. */
const unknown = (fields: readonly (string | undefined)[]) => {
  const report = read('src/lib/ingest/roundReport.ts');
  return fields.filter((field) => field !== 'event' && !report.includes(`readonly ${field}:`));
};

it('docs/operations.md reads fields that the report of a round has', () => {
  const queries = read('docs/operations.md').match(/line\.event == "round"[\s\S]*?```/g) ?? [];
  const fields = queries.flatMap((query) => [...query.matchAll(/line\.(\w+)/g)].map(([, field]) => field));
  expect(fields).toContain('lagMs');
  expect(unknown(fields)).toEqual([]);
});

it('alerts read fields that the report of a round has: rejected events, and how late events are', () => {
  const queries = read('deploy/infra/modules/alerts.bicep').match(/^ *query: .*:\\\\"round.*$/gm) ?? [];
  const fields = queries.flatMap((query) =>
    [...query.matchAll(/parse_json\(message\)\.(\w+)/g)].map(([, field]) => field),
  );
  expect(fields).toEqual(['letters', 'lagMs']);
  expect(unknown(fields)).toEqual([]);
});

it('the alert for a health that fails takes the result as text, which is the type of its column', () => {
  const queries = read('deploy/infra/modules/alerts.bicep').match(/availabilityResults \|[^\n]*/g) ?? [];
  expect(queries).toHaveLength(1);
  expect(queries[0]).toContain('tostring(success) in~ ("0", "false")');
});

it('docs/deploy.md names each variable of azd that the template takes', () => {
  const variables = [...read('deploy/infra/main.parameters.json').matchAll(/\$\{([A-Z_]+)/g)].map(
    ([, name = '']) => name,
  );
  const own = variables.filter((name) => !name.startsWith('AZURE_'));
  expect(own).toContain('CLICKS_PER_SECOND');
  const rows =
    read('docs/deploy.md')
      .match(/^\| `[A-Z_]+`.*$/gm)
      ?.join('\n') ?? '';
  expect(own.filter((name) => !rows.includes(`\`${name}\``))).toEqual([]);
});
