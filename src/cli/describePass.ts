import { inertInLine } from '../lib/inert';
import type { performDuty } from '../lib/maintenance/duties';
import type { TableFigures } from '../lib/maintenance/planCompaction';
import type { Progress } from '../lib/maintenance/task';
import type { MaintenanceResult, MaintenanceStatus, TableResult } from '../lib/orchestrations/maintainTables';
import { quantity } from '../lib/quantity';
import { hintToStart } from './commandLine/runCommand';

type Failure = MaintenanceResult['failures'][number];

/** Describes a pass of maintenance: one line for each table that it worked on, and one for each reason for failures. */
export function describePass({ tables, counts, failures }: MaintenanceResult): string[] {
  const lines = tables.filter(({ steps }) => Object.keys(steps).length > 0).map(describeTable);
  if (counts !== null) lines.push(`counts: ${counts}`);
  return [...lines, ...[...Map.groupBy(failures, reasonOf).values()].map(describeFailures)];
}

/**
 * What failures have in common. All failures of storage with the same code count as one, because their messages differ only in the file
 * that was asked for.
 */
const reasonOf = ({ code, message }: Failure): string =>
  code.startsWith('storage.') ? code : `${code} ${message}`;

/** "clicks: checkpoint and 2 other steps failed, CODE: MESSAGE" */
function describeFailures(group: readonly Failure[]): string {
  const [{ table, step, code, message }, ...others] = group as readonly [Failure, ...Failure[]];
  const what = table === null ? step : `${table}: ${step}`;
  const more = others.length === 0 ? '' : ` and ${quantity(others.length, 'other step')}`;
  const hint = hintToStart(code, message);
  const text = inertInLine(hint === '' ? message : message.replace(/\.$/, ''));
  return `${what}${more} failed, ${code}: ${text}${hint}${hintToCheck(code, table)}`;
}

/**
 * A hint to check the table. The error of a step names one file that is gone or damaged, and the step fails in every pass until the table
 * is repaired.
 */
const hintToCheck = (code: string, table: string | null): string =>
  code === 'parquet.invalid' && table !== null
    ? ` "npm run table -- check ${table}" names every such file; docs/errors.md says how to mend the table.`
    : '';

function describeTable({ table, steps, compaction }: TableResult): string {
  if (Object.values(steps).includes('no-table')) return `${table}: there is no such table`;
  const outcomes = Object.entries(steps).map(([step, outcome]) => `${step} ${outcome}`);
  if (!compaction) return `${table}: ${outcomes.join(', ')}`;
  const { before, after, bins, conflicts, left } = compaction;
  const parts = [
    quantity(bins, 'bin'),
    ...(conflicts > 0 ? [quantity(conflicts, 'conflict')] : []),
    ...(left !== null && left > 0 ? [`${quantity(left, 'bin')} left for the next pass`] : []),
  ];
  return `${table}: ${outcomes.join(', ')}: ${parts.join(', ')}; ${describeFigures(before)} -> ${after ? describeFigures(after) : 'not known, because it could not be read again'}`;
}

const describeFigures = ({ version, files, bytes, kept }: TableFigures): string =>
  `version ${version} with ${quantity(files, 'file')}, ${quantity(bytes, 'byte')}${kept ? `, of which ${quantity(kept.files, 'file')} cannot be rewritten, for values in ${kept.columns.map(inertInLine).join(', ')}` : ''}`;

/** Describes the work that a step would do, by the details of its dry run. */
export function describePlan(plan: Awaited<ReturnType<typeof performDuty>>): string {
  if (plan.outcome === 'disabled') return 'would delete nothing: a property of the table switches it off';
  const figure = (name: string, noun: string) => quantity(Number(plan[name]), noun);
  const size = `${figure('bins' in plan ? 'files' : 'deleted', 'file')}, ${figure('bytes', 'byte')}`;
  if ('bins' in plan)
    return plan.bins === 0 ? 'would rewrite nothing' : `would rewrite ${size}, in ${figure('bins', 'bin')}`;
  if (plan.deleted === 0) return 'would delete nothing';
  return `would delete ${'bytes' in plan ? size : `${figure('deleted', 'file')} of the log`}`;
}

/** The status of a pass as progress to be shown. */
export const inWords = ({ table, step, done, total }: MaintenanceStatus): Progress => ({
  step: `${table === null ? '' : `${table}: `}${step}, step`,
  done,
  total,
});
