import { describe, expect, it } from 'vitest';
import { dialectOf, readEngine } from '../../../../src/lib/warehouse/synapse/engine';

const of = (edition: number, version = '12.0.2000.8', isBabelfish = false) =>
  dialectOf({ edition, version, isBabelfish }, 'host/db');

describe('an engine', () => {
  it('is a dedicated pool or Azure SQL, whatever its version, or SQL Server since 2016', () => {
    expect(of(6)).toBe('pool');
    for (const edition of [5, 8]) expect(of(edition)).toBe('server');
    for (const edition of [1, 2, 3, 4])
      for (const version of ['13.0.1601.5', '16.0.4000.1']) expect(of(edition, version)).toBe('server');
  });

  it.each([1, 2, 3, 4])('that is an older SQL Server is refused, with what to do: edition %i', (edition) => {
    for (const version of ['12.0.2000.8', '9.00.5000.00'])
      expect(() => of(edition, version)).toThrow(
        expect.objectContaining({
          code: 'warehouse.refused',
          message: expect.stringContaining('is a SQL Server that is older than 2016: upgrade it'),
        }),
      );
  });

  it('that is Babelfish is taken, though it calls itself a SQL Server of 2014', () => {
    const said = readEngine({ edition: 2, version: '12.0.2000.8', babelfish: 1 });
    expect(dialectOf(said, 'host/db')).toBe('server');
    expect(readEngine({ edition: 3, version: '16.0.4000.1', babelfish: null }).isBabelfish).toBe(false);
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
