import { CredentialUnavailableError } from '@azure/identity';
import { ConnectionError } from 'mssql';
import { describe, expect, it } from 'vitest';
import { TributaryError } from '../../../../src/lib/errors';
import {
  isAmbiguous,
  isDeadlock,
  isMadeMeanwhile,
  isNeverPossible,
  isUnknownColumn,
  isUnknownObject,
  toWarehouseError,
} from '../../../../src/lib/warehouse/synapse/sqlErrors';

const told = (error: unknown, loginNumber?: number) => {
  const { code, message, cause } = toWarehouseError(error, 'sql:dwh', loginNumber);
  return { code, message, cause };
};

describe('an error of the SQL client', () => {
  it.each([
    [42108, 'the SQL pool is paused'],
    [1205, 'the transaction lost a deadlock'],
    [1222, 'a lock was not granted in time'],
    [701, 'the server has too little memory'],
    [8645, 'the server has too little memory'],
    [3960, 'another transaction changed the same rows'],
  ])('with the number %d may pass: %s', (number, what) => {
    const error = { number, code: 'EREQUEST', message: 'as the server says' };
    expect(told(error)).toEqual({
      code: 'warehouse.unavailable',
      message: `sql:dwh: ${what}, error ${number}, as the server says.`,
      cause: error,
    });
    expect(isAmbiguous(error)).toBe(false);
  });

  it.each([596, 6005, 40197])(
    'with the number %d may pass, and the request may have been carried out',
    (number) => {
      const error = { number, code: 'EREQUEST', message: 'as the server says' };
      expect(told(error)).toMatchObject({ code: 'warehouse.unavailable' });
      expect(isAmbiguous(error)).toBe(true);
    },
  );

  it('with any other number is a refusal, in the first line of what the server says', () => {
    const error = { number: 208, code: 'EREQUEST', message: 'Invalid object name.\nIn a statement' };
    expect(told(error)).toMatchObject({
      code: 'warehouse.refused',
      message: 'sql:dwh: error 208, Invalid object name.',
    });
  });

  it('is told by the first of several errors, which is their cause', () => {
    const error = {
      number: 3930,
      code: 'EREQUEST',
      message: 'The transaction is doomed',
      precedingErrors: [{ number: 207, message: 'Invalid column name' }, { number: 1205 }],
    };
    expect(told(error)).toMatchObject({
      code: 'warehouse.refused',
      message: 'sql:dwh: error 207, Invalid column name.',
    });
    expect([isUnknownColumn(error), isUnknownColumn({ number: 3930 })]).toEqual([true, false]);
  });

  it('has its number also in the error that it was made from', () => {
    const error = { code: 'EREQUEST', message: 'no', originalError: { info: { number: 40613 } } };
    expect(told(error)).toMatchObject({ code: 'warehouse.unavailable' });
  });

  it('of a login has the number that the server sent', () => {
    const error = { code: 'ELOGIN', message: 'Login failed' };
    expect(told(error, 4060)).toMatchObject({
      code: 'warehouse.unavailable',
      message: 'sql:dwh: the database cannot be opened, error 4060, Login failed.',
    });
    expect(told(error, 18456)).toMatchObject({ code: 'warehouse.refused' });
    expect(told(error)).toMatchObject({
      code: 'warehouse.refused',
      message: 'sql:dwh: ELOGIN, Login failed.',
    });
    // The number of the error itself comes first.
    expect(told({ ...error, number: 208 }, 4060)).toMatchObject({ code: 'warehouse.refused' });
  });

  it('of a token says what to do if no identity was found, and may pass if its service did not answer', () => {
    const own = new Error('Security token could not be authenticated or authorized.');
    const failed = (reason: Error) => told(new ConnectionError(new AggregateError([own, reason])));
    expect(failed(new CredentialUnavailableError('nothing is set up'))).toMatchObject({
      code: 'warehouse.refused',
      message: expect.stringMatching(/^sql:dwh: no Microsoft Entra identity was found: .* "az login".*\.$/),
    });
    expect(failed(new Error('no answer'))).toMatchObject({ code: 'warehouse.unavailable' });
  });

  it.each(['ESOCKET', 'ETIMEOUT', 'ECONNCLOSED', 'EINVALIDSTATE', 'ECLOSE', 'EFEDAUTH'])(
    'without a number may pass if the connection broke, and the request may have been carried out: %s',
    (code) => {
      const error = { code, number: 0, message: 'broken' };
      expect(told(error)).toMatchObject({
        code: 'warehouse.unavailable',
        message: `sql:dwh: ${code}, broken.`,
      });
      expect(isAmbiguous(error)).toBe(true);
    },
  );

  it.each([
    [new Error('oops'), 'oops'],
    ['text', 'text'],
    [null, 'null'],
    [undefined, 'undefined'],
    [7, '7'],
  ])('of an unknown kind may pass: %s', (error, text) => {
    expect(told(error)).toMatchObject({ code: 'warehouse.unavailable', message: `sql:dwh: ${text}.` });
    expect(isAmbiguous(error)).toBe(true);
  });

  it('is left as it is if it is one of ours', () => {
    const ours = new TributaryError('warehouse.ledger', 'two rows');
    expect(toWarehouseError(ours, 'sql:dwh')).toBe(ours);
  });
});

it('tells by its number what an error means to the caller, and no two things of one', () => {
  const kinds = { isDeadlock, isMadeMeanwhile, isUnknownColumn, isUnknownObject, isNeverPossible };
  const numbers = {
    isDeadlock: [1205],
    isMadeMeanwhile: [1779, 2601, 2627, 2705, 2714],
    isUnknownColumn: [207],
    isUnknownObject: [208],
    isNeverPossible: [102, 229, 230, 262, 297, 1088, 2760, 4834, 40510, 40517, 103010],
  };
  for (const [kind, is] of Object.entries(kinds))
    for (const [other, those] of Object.entries(numbers))
      for (const number of those) {
        const error = { number, code: 'EREQUEST', message: 'as the server says' };
        expect([kind, number, is(error)]).toEqual([kind, number, kind === other]);
      }
  for (const error of [
    undefined,
    new Error('no number'),
    { code: 'ESOCKET', message: 'away' },
    { number: 209 },
  ])
    expect(Object.values(kinds).map((is) => is(error))).toEqual([false, false, false, false, false]);
});
