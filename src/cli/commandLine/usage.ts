import {
  type Action,
  type Command,
  describeFlag,
  type Flag,
  placeholders,
  prefixOf,
  type Word,
} from './command';

/** A line of the usage in two columns. */
type Row = readonly [left: string, right: string];

/** The usage of a command, for `--help`. It needs no settings. */
export async function describeUsage(command: Command): Promise<string> {
  const prefix = prefixOf(command);
  if ('does' in command) {
    const { meaning, words = {} } = command.does;
    const rows = [...(await wordRows([command.does])), ...flagRows({ '': command.does })];
    return [
      [prefix, placeholders(words), '[options]'].filter(Boolean).join(' '),
      meaning,
      '',
      ...align(rows),
    ].join('\n');
  }
  const { meaning, subcommands } = command;
  const listed = Object.entries(subcommands).map(
    ([name, { words = {}, meaning }]): Row => [`${name} ${placeholders(words)}`.trim(), meaning],
  );
  const rows = [...(await wordRows(Object.values(subcommands))), ...flagRows(subcommands)];
  return [`${prefix} <subcommand> [options]`, meaning, '', ...align(listed), '', ...align(rows)].join('\n');
}

/** One row for each word that the actions take, with what it may be. A word that several actions take has one row. */
async function wordRows(actions: readonly Action[]): Promise<Row[]> {
  const words = new Map<string, Word<unknown>>();
  for (const { words: taken = {} } of actions)
    for (const [name, word] of Object.entries(taken)) words.set(name, word);
  return Promise.all(
    [...words].map(
      async ([name, word]): Promise<Row> => [placeholders({ [name]: word }), await word.expected()],
    ),
  );
}

/** One row for each flag and meaning. If only some of the actions take the flag in this meaning, the row names them. */
function flagRows(actions: Readonly<Record<string, Action>>): Row[] {
  const rows = new Map<
    string,
    { readonly flag: Flag<unknown>; readonly left: string; readonly takers: string[] }
  >();
  for (const [taker, { flags = {} }] of Object.entries(actions))
    for (const [name, flag] of Object.entries(flags)) {
      const key = `${name} ${flag.meaning}`;
      const row = rows.get(key) ?? { flag, left: describeFlag(name, flag), takers: [] };
      row.takers.push(taker);
      rows.set(key, row);
    }
  const isTakenByAll = (takers: readonly string[]) => takers.length === Object.keys(actions).length;
  const described = [...rows.values()].map(({ flag, left, takers }): Row => {
    const whose = isTakenByAll(takers) ? '' : `${takers.join(', ')}: `;
    return [left, whose + flag.meaning];
  });
  // Flags of one name that have different meanings in different actions stand together.
  return [...Map.groupBy(described, ([left]) => left).values()].flat().concat([['--help', 'this']]);
}

function align(rows: readonly Row[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
