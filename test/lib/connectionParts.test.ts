import { expect, it } from 'vitest';
import { partOf } from '../../src/lib/connectionParts';

const connection =
  'AccountName=contoso; accountkey=YQ==;EndpointSuffix=;BlobEndpoint=http://127.0.0.1:10000/a';

it.each([
  ['AccountName', 'contoso'],
  ['AccountKey', 'YQ=='],
  ['BlobEndpoint', 'http://127.0.0.1:10000/a'],
  ['EndpointSuffix', undefined],
  ['Endpoint', undefined],
  ['Name', undefined],
])('the part %s of a connection string is %s', (name, value) => {
  expect(partOf(connection, name)).toBe(value);
});
