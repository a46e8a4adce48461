import { describe, expect, it } from 'vitest';
import { leftoversOf, retiredName, stageName } from '../../../../src/lib/warehouse/synapse/leftovers';

const table = { schema: 'shop', name: 'sales', columns: [] };
const shadow = { ...table, name: 'sales__rebuild_3_00000001' };
const stage = stageName('01234567-89ab-cdef-0123-456789abcdef');

/** The names of those of these tables that may be dropped. Each was made this many minutes ago. */
function dropped(minutes: number, names: readonly string[], known: readonly string[] = []): string[] {
  const rows = names.map((full) => {
    const [schema_name, name] = full.split('.');
    return { schema_name, name, minutes };
  });
  return leftoversOf(table, rows, new Set(known)).map(({ schema, name }) => `${schema}.${name}`);
}

describe('tables that are left over', () => {
  it.each([`shop.${shadow.name}`, `ops.${stage}`])('are old ones that nobody works on: %s', (name) => {
    expect(dropped(60, [name])).toEqual([name]);
    expect(dropped(59, [name])).toEqual([]);
  });

  it('are no shadows in the ledger', () => {
    expect(dropped(600, [`shop.${shadow.name}`], [`shop.${shadow.name}`])).toEqual([]);
  });

  it('are replaced tables at any age, once the swap that retired them is over', () => {
    const retired = `shop.${retiredName(shadow)}`;
    expect(dropped(0, [retired])).toEqual([retired]);
    expect(dropped(600, [retired], [`shop.${shadow.name}`])).toEqual([]);
  });

  it('are none of another name or schema', () => {
    const others = [
      'shop.sales',
      'shop.sales_old',
      'shop.other__rebuild_3_00000001',
      `other.${shadow.name}`,
      `other.${retiredName(shadow)}`,
      `shop.${stage}`,
      `ops.${stage}0`,
      `ops.x${stage}`,
      'ops.load_ledger',
    ];
    expect(dropped(600, others)).toEqual([]);
  });
});
