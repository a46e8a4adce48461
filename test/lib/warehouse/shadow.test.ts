import { describe, expect, it } from 'vitest';
import { beginning, type TablePosition } from '../../../src/lib/delta/position';
import {
  filledVersion,
  fillingPosition,
  isBeingRebuilt,
  isShadowName,
  newShadow,
  ownPosition,
  parseFilling,
  parseReplacing,
  replacingPrefix,
} from '../../../src/lib/warehouse/shadow';
import { clicksAt } from './harness';

const shadow = newShadow({ ...clicksAt, schema: 'a.b' }, 17);

describe('a shadow', () => {
  it('has the version of its files in its name', () => {
    expect(filledVersion(clicksAt, shadow.name)).toBe(17);
    expect(isShadowName(clicksAt, shadow.name)).toBe(true);
  });

  it('of an earlier release is known, but has no such version', () => {
    const earlier = 'clicks__rebuild_17_00000000';
    expect(filledVersion(clicksAt, earlier)).toBeUndefined();
    expect(isShadowName(clicksAt, earlier)).toBe(true);
  });

  it('is none of another table', () => {
    for (const name of ['clicks', 'clicks_by_hand', 'other__reload_17_00000000', 'clicks__reload_x_0']) {
      expect(filledVersion(clicksAt, name)).toBeUndefined();
      expect(isShadowName(clicksAt, name)).toBe(name === 'clicks__reload_x_0');
    }
  });

  it('counts its files until it has them all', () => {
    const filling = fillingPosition({ tableId: 'id', mark: 'mark' }, 3);
    expect(parseFilling(filling)).toEqual({ tableId: 'id', files: 3, mark: 'mark' });
    expect(parseFilling({ tableId: 'id', version: 3, mark: 'mark' })).toBeUndefined();
  });
});

describe('the position of a table that is being replaced', () => {
  it.each(['held', 'renaming'] as const)('names its shadow, and keeps its own id: %s', (stage) => {
    for (const tableId of ['', 'id', 'a|b\nc']) {
      const position = { tableId: `${replacingPrefix(stage, shadow)}${tableId}`, version: 7, mark: 'm' };
      expect(parseReplacing(position)).toEqual({ stage, shadow: `a.b.${shadow.name}`, tableId });
      expect(ownPosition(position)).toEqual({ tableId, version: 7, mark: 'm' });
    }
  });

  it('may be that of an earlier release', () => {
    const tableId = 'swap:a.b.clicks__rebuild_7_0';
    expect(parseReplacing({ tableId })).toEqual({
      stage: 'earlier',
      shadow: 'a.b.clicks__rebuild_7_0',
      tableId: '',
    });
  });

  it('is that of no table that is not', () => {
    expect(parseReplacing(beginning)).toBeUndefined();
    for (const tableId of ['no swap: this', 'replace:', 'replace: no shadow'])
      expect(parseReplacing({ tableId })).toBeUndefined();
    expect(ownPosition(beginning)).toBe(beginning);
  });
});

describe('a table is being rebuilt', () => {
  const position = { tableId: 'id', version: 7, mark: 'm' };
  const ledgerOf = (...rows: [string, TablePosition][]) => new Map(rows);

  it('while the ledger knows a shadow of it, whether it is filled or follows the log', () => {
    const name = `${clicksAt.schema}.${newShadow(clicksAt, 17).name}`;
    for (const one of [position, fillingPosition(position, 3)])
      expect(isBeingRebuilt(ledgerOf(['clickstream.clicks', position], [name, one]), clicksAt)).toBe(true);
  });

  it('while its own row says that a shadow takes its place, even if that shadow has no row any more', () => {
    for (const tableId of [
      `${replacingPrefix('held', shadow)}id`,
      `${replacingPrefix('renaming', shadow)}id`,
      'swap:clickstream.clicks__rebuild_7_0',
    ])
      expect(isBeingRebuilt(ledgerOf(['clickstream.clicks', { ...position, tableId }]), clicksAt)).toBe(true);
  });

  it('not because another table is, or one of the same name in another schema', () => {
    expect(isBeingRebuilt(ledgerOf(), clicksAt)).toBe(false);
    const replaced = { ...position, tableId: `${replacingPrefix('held', shadow)}id` };
    const others = ledgerOf(
      ['clickstream.clicks', position],
      ['clickstream.views', replaced],
      ['clickstream.views__reload_17_00000000', position],
      ['other.clicks__reload_17_00000000', position],
      ['clickstream.clicks_by_hand', position],
    );
    expect(isBeingRebuilt(others, clicksAt)).toBe(false);
  });
});
