import { switchFlag } from '../../src/cli/commandLine/arguments';
import { action } from '../../src/cli/commandLine/command';
import { runCommand } from '../../src/cli/commandLine/runCommand';
import { makeCheck } from './checkTemplate';
import { mistakesOf } from './mistakes';
import { readTemplate, readTexts, type Template } from './template';

/*
 * `npm run check:infra`: checks the template in deploy/infra without Azure and without the Bicep CLI. With `--mutants` it then makes
 * every small mistake that it can think of in the template, one at a time, and says how many of them the check notices.
 */

const leastCaught = 0.95;

runCommand({
  call: 'npm run check:infra',
  does: action({
    meaning: 'Checks the template of what is made in Azure.',
    flags: { mutants: switchFlag('then makes small mistakes in it, and says how many of them are noticed') },
    run: async ({ mutants }) => {
      const check = await makeCheck();
      const template = readTemplate(readTexts());
      const wrong = check(template);
      for (const line of wrong) console.error(line);
      if (wrong.length > 0) return 1;
      console.log(`${template.files.size} files: nothing is wrong.`);
      return mutants ? tryMistakes(template, check) : 0;
    },
  }),
});

function tryMistakes(template: Template, check: (template: Template) => string[]): number {
  const kinds = new Map<string, { caught: number; all: number }>();
  for (const { kind, what, path, text } of mistakesOf(template)) {
    const counts = kinds.get(kind) ?? { caught: 0, all: 0 };
    kinds.set(kind, counts);
    counts.all += 1;
    if (check(readTemplate(new Map(template.texts).set(path, text), template)).length > 0) counts.caught += 1;
    else console.log(`not noticed: ${what}`);
  }
  for (const [kind, { caught, all }] of kinds) console.log(`${kind}: ${caught} of ${all}`);
  const sum = (of: 'caught' | 'all') => [...kinds.values()].reduce((total, counts) => total + counts[of], 0);
  const share = sum('caught') / sum('all');
  console.log(`Noticed ${sum('caught')} of ${sum('all')} mistakes, ${(share * 100).toFixed(1)} %.`);
  return share >= leastCaught ? 0 : 1;
}
