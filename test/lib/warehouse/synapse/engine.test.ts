import { describe, expect, it } from 'vitest';
import { dialectOf } from '../../../../src/lib/warehouse/synapse/engine';

const of = (edition: number) => dialectOf({ edition, version: '12.0.2000.8' }, 'host/db');

describe('an engine', () => {
  it('is a dedicated pool, or SQL Server or Azure SQL, whatever its version', () => {
    expect(of(6)).toBe('pool');
    for (const edition of [1, 2, 3, 4, 5, 8]) expect(of(edition)).toBe('server');
  });

  it.each([
    [9, 'is Azure SQL Edge'],
    [11, 'is a serverless SQL pool or a warehouse of Microsoft Fabric'],
    [11, 'make a OneLake shortcut'],
    [12, 'is a SQL database of Microsoft Fabric'],
    [99, 'is of an unknown kind'],
    [Number.NaN, 'is of an unknown kind'],
  ])('is refused by name otherwise: %i %s', (edition, what) => {
    expect(() => of(edition)).toThrow(
      expect.objectContaining({
        code: 'warehouse.refused',
        message: expect.stringMatching(
          new RegExp(`^host/db \\(EngineEdition ${edition}, version 12\\.0\\.2000\\.8\\) .*${what}`),
        ),
      }),
    );
  });
});
