import { TributaryError } from '../errors';
import { commitAmongRivals } from './commit';
import { describeVersion, type TableLocation } from './log';
import { openState } from './openTable';
import { ensureWritable } from './protocol';
import {
  describeSchema,
  type Field,
  isWritableType,
  mismatchAdvice,
  schemaMismatch,
  serializeSchema,
} from './schema';
import type { TableState } from './state';

/** `unchanged`: the table had all the columns already. */
export type AddColumnsOutcome = { readonly outcome: 'committed' | 'unchanged'; readonly state: TableState };

/**
 * Adds those of `fields` that a table does not have, in one commit (PROTOCOL.md, "Change Metadata"). In files written before, the new
 * columns read as null. The rest of the metaData action is kept. Existing columns must have the same name, type and nullability.
 * @throws `delta.schema` naming both schemas when a new column takes no nulls or an existing one would have to change; `delta.invalid` when
 * there is no table, `delta.unsupported`, `delta.contention`
 */
export async function addColumns(at: TableLocation, fields: readonly Field[]): Promise<AddColumnsOutcome> {
  for (;;) {
    const state = await openState(at);
    if (!state)
      throw new TributaryError('delta.invalid', `${at.store.name}/${at.table}: there is no Delta table.`);
    const added = newColumns(state, fields);
    if (added.length === 0) return { outcome: 'unchanged', state };
    const schemaString = extendSchema(state.metaData.schemaString, added);
    const { outcome, state: after } = await commitAmongRivals({
      state,
      actions: [{ metaData: { ...state.metaData, schemaString } }],
      description: {
        operation: 'ADD COLUMNS',
        operationParameters: { columns: JSON.stringify(added.map((column) => ({ column }))) },
        isBlindAppend: false,
      },
      conflictsWith: ({ protocol, metaData }) => Boolean(protocol || metaData),
    });
    if (outcome === 'committed') return { outcome, state: after };
  }
}

/** The fields that are missing in the table. Throws if `fields` ask for more changes than new nullable columns. */
function newColumns(
  { at, version, protocol, metaData, fields: there }: TableState,
  fields: readonly Field[],
) {
  const where = describeVersion(at, version);
  ensureWritable(protocol, metaData, where);
  const names = new Set(there.map(({ name }) => name.toLowerCase()));
  const added = fields.filter(({ name }) => !names.has(name.toLowerCase()));
  serializeSchema(added);
  const problem =
    added.map(newColumnProblem).find((found) => found !== undefined) ??
    existingColumnProblem(there, fields, added);
  if (problem === undefined) return added;
  throw new TributaryError(
    'delta.schema',
    `${where}: columns cannot be added: ${problem}. The table has (${describeSchema(there)}), wanted are (${describeSchema(fields)}). ${mismatchAdvice}`,
  );
}

function newColumnProblem({ name, type, nullable }: Field): string | undefined {
  if (!nullable) return `the new column ${name} takes no nulls, which earlier rows would have`;
  return isWritableType(type) ? undefined : `the new column ${name} has a type that is not written`;
}

/** Why an existing column does not fit `fields`; undefined if all fit. Columns that are not in `fields` are ignored. */
function existingColumnProblem(there: readonly Field[], fields: readonly Field[], added: readonly Field[]) {
  const mentioned = new Set(fields.map(({ name }) => name.toLowerCase()));
  return schemaMismatch(
    there.filter(({ name }) => mentioned.has(name.toLowerCase())),
    fields.filter((column) => !added.includes(column)),
  );
}

/** Adds fields to a schema string by changing the parsed text, so that unknown properties are kept. */
function extendSchema(schemaString: string, added: readonly Field[]): string {
  const schema = JSON.parse(schemaString) as { fields: unknown[] };
  return JSON.stringify({ ...schema, fields: [...schema.fields, ...added] });
}
