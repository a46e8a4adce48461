import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/*
 * A Power BI project as its files say it is: the parts of TMDL and PBIR that ours uses, and an error for all else.
 */

export interface ModelColumn {
  readonly name: string;
  readonly dataType: string;
  readonly sourceColumn: string;
}

export interface ModelTable {
  readonly name: string;
  /** The view that it shows. */
  readonly view: string;
  readonly columns: readonly ModelColumn[];
  /** DAX by name. */
  readonly measures: ReadonlyMap<string, string>;
  /** The parameters of its source. */
  readonly parameters: readonly string[];
  readonly mode: string;
}

export interface FieldUse {
  readonly kind: string;
  readonly table: string;
  readonly name: string;
}

export interface Visual {
  readonly folder: string;
  readonly page: string;
  readonly name: string;
  readonly queryRefs: readonly string[];
  /** The fields that it shows, in the order of its file. */
  readonly fields: readonly FieldUse[];
  /** Those by which it is sorted. */
  readonly sortedBy: readonly FieldUse[];
  readonly directions: readonly string[];
}

export interface Page {
  readonly folder: string;
  readonly name: string;
}

export interface Project {
  readonly tables: readonly ModelTable[];
  /** The tables that the model lists. */
  readonly listed: readonly string[];
  /** The names of the model's parameters. */
  readonly parameters: readonly string[];
  readonly pages: readonly Page[];
  readonly pageOrder: readonly string[];
  readonly activePage: string;
  readonly visuals: readonly Visual[];
  /** Ids that must be different from each other. */
  readonly tags: readonly string[];
  /** Folders that other files name and that are not there. */
  readonly missing: readonly string[];
}

const json = (path: string) => JSON.parse(readFileSync(path, 'utf8'));
const all = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map(([, found = '']) => found.replace(/^'(.*)'$/, '$1'));
const one = (text: string, pattern: RegExp): string => pattern.exec(text)?.[1] ?? '';

export function readProject(folder: string): Project {
  const [model, report] = [join(folder, 'Tributary.SemanticModel'), join(folder, 'Tributary.Report')];
  const tmdl = globSync(`${model}/definition/**/*.tmdl`).map((path) => readFileSync(path, 'utf8'));
  const pages = json(join(report, 'definition/pages/pages.json'));
  return {
    tables: globSync(`${model}/definition/tables/*.tmdl`).sort().map(readTable),
    listed: all(readFileSync(`${model}/definition/model.tmdl`, 'utf8'), /^ref table (.+)$/gm),
    parameters: all(readFileSync(`${model}/definition/expressions.tmdl`, 'utf8'), /^expression (\w+) = "/gm),
    pages: globSync(`${report}/definition/pages/*/page.json`).map((path) => ({
      folder: basename(dirname(path)),
      name: json(path).name,
    })),
    pageOrder: pages.pageOrder,
    activePage: pages.activePageName,
    visuals: globSync(`${report}/definition/pages/*/visuals/*/visual.json`).sort().map(readVisual),
    tags: [
      ...tmdl.flatMap((text) => all(text, /^\s*lineageTag: (\S+)$/gm)),
      ...[model, report].map((item) => json(join(item, '.platform')).config.logicalId),
    ],
    missing: [
      join(folder, json(join(folder, 'Tributary.pbip')).artifacts[0].report.path),
      join(report, json(join(report, 'definition.pbir')).datasetReference.byPath.path),
    ].filter((path) => !existsSync(path)),
  };
}

const known =
  /^(?:\/\/\/ .*|table \w+|\tlineageTag: [\w-]+|\tmeasure .+ = .+|\tcolumn \w+|\tpartition \w+ = m|\t\t(?:dataType|lineageTag|formatString|summarizeBy|sourceColumn|mode): .+|\t\tsource =|\t{4,}.+|)$/;

function readTable(path: string): ModelTable {
  const text = readFileSync(path, 'utf8');
  const unknown = text.split('\n').find((line) => !known.test(line));
  if (unknown !== undefined) throw new Error(`${path}: ${JSON.stringify(unknown)} is not known here.`);
  const measures = [...text.matchAll(/^\tmeasure '(.+)' = (.+)$/gm)];
  return {
    name: one(text, /^table (\w+)$/m),
    view: one(text, /\[Schema = "dbo", Item = "(\w+)"\]/),
    measures: new Map(measures.map(([, name = '', dax = '']) => [name, dax])),
    columns: text
      .split(/^\tcolumn /m)
      .slice(1)
      .map((column) => ({
        name: one(column, /^(\w+)/),
        dataType: one(column, /^\t\tdataType: (\w+)$/m),
        sourceColumn: one(column, /^\t\tsourceColumn: (\w+)$/m),
      })),
    parameters: one(text, /Sql\.Database\(([\w, ]+)\)/).split(', '),
    mode: one(text, /^\t\tmode: (\w+)$/m),
  };
}

interface FieldJson {
  readonly [kind: string]: {
    readonly Expression: { readonly SourceRef: { readonly Entity: string } };
    readonly Property: string;
  };
}

const useOf = (field: FieldJson): FieldUse[] =>
  Object.entries(field).map(([kind, { Expression, Property }]) => ({
    kind,
    table: Expression.SourceRef.Entity,
    name: Property,
  }));

function readVisual(path: string): Visual {
  const { name, visual } = json(path);
  const roles: { projections: { field: FieldJson; queryRef: string }[] }[] = Object.values(
    visual.query.queryState,
  );
  const projections = roles.flatMap((role) => role.projections);
  const sort: { field: FieldJson; direction: string }[] = visual.query.sortDefinition?.sort ?? [];
  return {
    folder: basename(dirname(path)),
    page: basename(dirname(dirname(dirname(path)))),
    name,
    queryRefs: projections.map(({ queryRef }) => queryRef),
    fields: projections.flatMap(({ field }) => useOf(field)),
    sortedBy: sort.flatMap(({ field }) => useOf(field)),
    directions: sort.map(({ direction }) => direction),
  };
}
