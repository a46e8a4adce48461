import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { letterFields, letterReasons } from '../../../src/lib/lake/deadLetters';

const section = (title: string) =>
  readFileSync('docs/dead-letters.md', 'utf8')
    .split(/^#+ /m)
    .find((text) => text.startsWith(title)) ?? '';

describe('docs/dead-letters.md', () => {
  it('explains exactly the reasons there are', () => {
    const explained = [...section('Reasons').matchAll(/^\| `([a-z0-9-]+)` \|/gm)].map(([, reason]) => reason);
    expect(explained).toEqual([...letterReasons]);
  });

  it('explains exactly the columns there are', () => {
    const explained = [...section('Dead letters').matchAll(/^\| ([a-z_, ]+) \|/gm)].flatMap(
      ([, names]) => names?.split(', ') ?? [],
    );
    expect(explained.filter((name) => name !== 'column')).toEqual(letterFields.map(({ name }) => name));
  });
});
