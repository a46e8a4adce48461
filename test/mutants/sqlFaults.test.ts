import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { sqlFaults } from './sqlFaults';

it.each(Object.entries(sqlFaults))('a known fault can still be planted: %s', (_name, fault) => {
  expect(readFileSync(fault.file, 'utf8').split(fault.text)).toHaveLength(2);
  expect(fault.tests.filter((path) => !existsSync(path))).toEqual([]);
  expect(fault.tests).not.toEqual([]);
});
