import { globSync, readFileSync } from 'node:fs';
import { posix, sep } from 'node:path';
import { type BicepFile, type Declaration, type Node, parseBicep, propertiesOf } from './bicep';

/** The template: its files, parsed, by their paths in the project; and the texts of these and of all other files that are checked. */
export interface Template {
  readonly main: BicepFile;
  readonly files: ReadonlyMap<string, BicepFile>;
  readonly texts: ReadonlyMap<string, string>;
}

export const mainPath = 'deploy/infra/main.bicep';

/** The texts of everything that the checks look at. */
export function readTexts(): Map<string, string> {
  const paths = globSync(['deploy/infra/**/*.*', 'deploy/hooks/*', 'azure.yaml', 'host.json']);
  return new Map(
    paths.map((path) => [path.split(sep).join('/'), readFileSync(path, 'utf8')] as const).sort(),
  );
}

/** Parses the texts. Files of `known` are taken over where the text is the same. */
export function readTemplate(texts: ReadonlyMap<string, string>, known?: Template): Template {
  const files = new Map<string, BicepFile>();
  for (const [path, text] of texts) {
    if (!path.endsWith('.bicep')) continue;
    const before = known?.texts.get(path) === text ? known.files.get(path) : undefined;
    files.set(path, before ?? parseBicep(path, text));
  }
  const main = files.get(mainPath);
  if (!main) throw new Error(`${mainPath} is missing.`);
  return { main, files, texts };
}

/** The declaration of a name in a file. Outputs are left out, because expressions cannot use their names. */
export const find = (file: BicepFile, name: string | undefined): Declaration | undefined =>
  file.declarations.find((one) => one.kind !== 'output' && one.name === name);

export const ofKind = (file: BicepFile, kind: Declaration['kind']): Declaration[] =>
  file.declarations.filter((one) => one.kind === kind);

/** The file of a module that another file declares. */
export const moduleFile = (template: Template, from: BicepFile, module: Declaration): BicepFile | undefined =>
  template.files.get(posix.join(posix.dirname(from.path), module.target));

/** The module of main.bicep that is made of a file. */
export const moduleOf = (template: Template, file: BicepFile): Declaration | undefined =>
  ofKind(template.main, 'module').find((one) => moduleFile(template, template.main, one) === file);

export const paramsOf = (module: Declaration | undefined): Map<string, Node> =>
  propertiesOf(propertiesOf(module?.value).get('params'));

/** The text of an expression in a module's file. For a parameter's name, it is the text that main.bicep passes for the parameter. */
export function inMain(template: Template, file: BicepFile, expression: Node | undefined): string {
  const text = expression?.text ?? '';
  return find(file, text)?.kind === 'param'
    ? (paramsOf(moduleOf(template, file)).get(text)?.text ?? '')
    : text;
}
