import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Metadata, Protocol } from '../../../src/lib/delta/actions';
import { ensureWritable } from '../../../src/lib/delta/protocol';
import { serializeSchema } from '../../../src/lib/delta/schema';
import { tableFields } from '../../../src/lib/lake/rowAddress';
import { clickstream } from '../../../src/lib/streams/clickstream';
import left from './leftBySpark.json';

/*
 * Reads what Spark 4.1.1 with Delta Lake 4.1.0 left in the log of a table of ours: after a feature was turned on, and after it was turned
 * off with the statement that our refusal names. docs/readers.md has the same statements.
 */

interface Step {
  readonly statement: string;
  readonly protocol: Protocol;
  readonly configuration: Readonly<Record<string, string>>;
  /** Where it is not that of the clicks. */
  readonly schemaString?: string;
}

const metadataOf = ({ configuration, schemaString }: Step): Metadata => ({
  id: 'a table',
  format: { provider: 'parquet', options: {} },
  schemaString: schemaString ?? serializeSchema(tableFields(clickstream)),
  partitionColumns: [],
  configuration,
});

const features = left as readonly { on: Step; off: readonly Step[] }[];
const document = readFileSync('docs/readers.md', 'utf8');
const [, rest = ''] = document.split('| turned on with | turned off with |');
const rows =
  rest
    .split('\n\n')[0]
    ?.split('\n')
    .filter((line) => line.startsWith('| `')) ?? [];

const shortOf = ({ statement }: Step) => statement.replace('ALTER TABLE t ', '');

describe.each(features)('$on.statement', ({ on, off }) => {
  it('is refused, with each statement that turns it off in its turn', () => {
    let before = on;
    for (const step of off) {
      const remedy = `ALTER TABLE <table> ${shortOf(step)}`;
      expect(() => ensureWritable(before.protocol, metadataOf(before), 'clicks')).toThrow(remedy);
      before = step;
    }
  });

  it('takes appends again after that', () => {
    const last = off.at(-1) ?? on;
    expect(() => ensureWritable(last.protocol, metadataOf(last), 'clicks')).not.toThrow();
  });

  it('is in docs/readers.md', () => {
    const turnOff = off.map((step) => `\`${shortOf(step)}\``).join(', then ');
    expect(rows).toContain(`| \`${shortOf(on)}\` | ${turnOff} |`);
  });
});

it('docs/readers.md has no other', () => {
  expect(rows).toHaveLength(features.length);
});
