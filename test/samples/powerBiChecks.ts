import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { FieldUse, ModelTable, Project } from './powerBiProject';

/*
 * What is wrong in a Power BI project, one line each: what Microsoft's validator says of the report, and what it does not look at.
 */

/** The columns of the views with their types in DuckDB. */
export type ViewColumns = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** What Microsoft's validator finds in the report. */
export async function validate(folder: string): Promise<string[]> {
  const cli = 'node_modules/@microsoft/powerbi-report-authoring-cli/dist/cli.js';
  const args = [cli, 'validate', join(folder, 'Tributary.Report'), '--no-schema'];
  // Its exit code says no more than its answer.
  const { stdout } = await promisify(execFile)(process.execPath, args).catch((error) => error);
  const { data } = JSON.parse(stdout);
  const found: Record<string, { items: { message: string }[] }> = data.diagnostics ?? {};
  return Object.entries(found).flatMap(([code, { items }]) =>
    items.map(({ message }) => `${code}: ${message}`),
  );
}

/** Columns that a measure of DAX names, as in `SUM(Products[clicks])`, and tables, as in `COUNTROWS(Sessions)`. */
const measureForm = /^(?:(SUM|AVERAGE)\((\w+)\[(\w+)\]\)|(COUNTROWS)\((\w+)\))$/;

/** A measure in SQL; undefined if it has a form that is not known here. */
export function measureInSql(dax: string, table: ModelTable): string | undefined {
  const [, aggregate, ofColumn, column = '', count, ofTable] = measureForm.exec(dax) ?? [];
  if (count !== undefined && ofTable === table.name) return 'COUNT(*)';
  const source = table.columns.find(({ name }) => name === column)?.sourceColumn;
  if (aggregate === undefined || ofColumn !== table.name || source === undefined) return undefined;
  return `${aggregate === 'SUM' ? 'SUM' : 'AVG'}("${source}")`;
}

const dataTypes: Readonly<Record<string, readonly string[]>> = {
  int64: ['INTEGER', 'BIGINT'],
  double: ['DOUBLE'],
  dateTime: ['TIMESTAMP', 'TIMESTAMP WITH TIME ZONE'],
  string: ['VARCHAR'],
};

export const check = (project: Project, views: ViewColumns): string[] => [
  ...checkNames(project),
  ...project.tables.flatMap((table) => checkTable(table, project, views)),
  ...project.visuals.flatMap(({ name, fields, sortedBy, queryRefs }) => [
    ...[...fields, ...sortedBy].flatMap((use) =>
      isInModel(use, project) ? [] : [`${name}: there is no ${use.kind} ${use.table}.${use.name}.`],
    ),
    ...fields.flatMap((use, index) =>
      queryRefs[index] === `${use.table}.${use.name}`
        ? []
        : [`${name}: ${queryRefs[index]} is another field.`],
    ),
  ]),
];

function checkNames(project: Project): string[] {
  const { pages, pageOrder, activePage, visuals, tags, tables, listed, missing } = project;
  const names = tables.flatMap((table) => [...table.measures.keys()].map((name) => name.toLowerCase()));
  return [
    ...[...pages, ...visuals].flatMap(({ name, folder }) =>
      name === folder ? [] : [`${folder}: its name is ${name}.`],
    ),
    ...unequal(
      'Pages',
      pageOrder,
      pages.map(({ name }) => name),
    ),
    ...(pageOrder.includes(activePage) ? [] : [`${activePage} is no page to begin with.`]),
    ...unequal(
      'Tables',
      listed,
      tables.map(({ name }) => name),
    ),
    ...doubles(tags).map((tag) => `${tag} is the tag of two things.`),
    ...doubles(names).map((name) => `${name} is the name of two measures.`),
    ...missing.map((path) => `${path} is not there.`),
  ];
}

function checkTable(table: ModelTable, { parameters }: Project, views: ViewColumns): string[] {
  const { name, view, columns, measures } = table;
  const ofView = views.get(view);
  if (!ofView) return [`${name}: there is no view ${view}.`];
  const wrongColumns = columns.flatMap(({ sourceColumn, dataType }) => {
    const type = ofView.get(sourceColumn);
    if (type === undefined) return [`${name}: ${view} has no column ${sourceColumn}.`];
    return dataTypes[dataType]?.includes(type) ? [] : [`${name}.${sourceColumn}: ${type} is no ${dataType}.`];
  });
  const taken = new Set(columns.map((column) => column.name.toLowerCase()));
  return [
    ...wrongColumns,
    ...(table.mode === 'directQuery' ? [] : [`${name}: its mode is ${table.mode}, which shows old numbers.`]),
    ...[...measures].flatMap(([measure, dax]) =>
      measureInSql(dax, table) === undefined ? [`${name}: ${measure} = ${dax} is not known here.`] : [],
    ),
    ...[...measures.keys()].flatMap((measure) =>
      taken.has(measure.toLowerCase()) ? [`${name}: ${measure} is the name of a column, too.`] : [],
    ),
    ...table.parameters.flatMap((one) =>
      parameters.includes(one) ? [] : [`${name}: there is no parameter ${one}.`],
    ),
  ];
}

export function isInModel({ kind, table, name }: FieldUse, { tables }: Project): boolean {
  const found = tables.find((one) => one.name === table);
  if (kind === 'Measure') return found?.measures.has(name) ?? false;
  return kind === 'Column' && (found?.columns.some((column) => column.name === name) ?? false);
}

const doubles = (values: readonly string[]): string[] =>
  values.filter((value, index) => values.indexOf(value) !== index);

function unequal(what: string, listed: readonly string[], there: readonly string[]): string[] {
  const [a, b] = [listed, there].map((names) => names.toSorted().join(', '));
  return a === b ? [] : [`${what} that are listed: ${a}; that are there: ${b}.`];
}
