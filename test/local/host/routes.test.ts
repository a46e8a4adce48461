import { describe, expect, test } from 'vitest';
import { compileRoute } from '../../../local/host/routes';

describe('route templates', () => {
  test.each([
    ['a/b', 'A/B', {}],
    ['a/b', 'a/b/c', undefined],
    ['a.b', 'axb', undefined],
    ['', '', {}],
    ['{id}', '5', { id: '5' }],
    ['a/{id}', 'a', undefined],
    ['a/{id?}', 'a', {}],
    ['a/{id?}', 'a/5', { id: '5' }],
    ['{*rest}', 'a/b', { rest: 'a/b' }],
    ['a/{**rest}', 'a', {}],
    ['{a}/x/{b?}', '1/x', { a: '1' }],
    ['{id:int}', '-12', { id: '-12' }],
    ['{id:int}', '3000000000', undefined],
    ['{id:long}', '3000000000', { id: '3000000000' }],
    ['{id:int:min(5)}', '4', undefined],
    ['{id:int:min(5):max(7)}', '7', { id: '7' }],
    ['{id:range(1, 3)}', '3', { id: '3' }],
    ['{id:int?}', '', {}],
    ['{id:bool}', 'True', { id: 'True' }],
    ['{id:alpha:length(3)}', 'abc', { id: 'abc' }],
    ['{id:alpha:length(2,3)}', 'abcd', undefined],
    ['{id:guid}', '0f8fad5b-d9cb-469f-a165-70867728950e', { id: '0f8fad5b-d9cb-469f-a165-70867728950e' }],
    ['{id:guid}', 'x', undefined],
    ['{id:decimal}', '1.5', { id: '1.5' }],
    ['{id:datetime}', 'soon', undefined],
  ])('%s and the path "%s"', (template, path, expected) => {
    expect(compileRoute(template).match(path)).toEqual(expected);
  });

  test('literals go before constraints, these before plain parameters, catch-alls last', () => {
    const ranked = ['a/{*rest}', 'a/{id}', 'a/{id:int}', 'a/b'].map((one) => compileRoute(one).rank);
    expect([...ranked].sort()).toEqual([...ranked].reverse());
  });

  test.each(['{id:even}', '{id', 'v{version}', '{}'])('%s is refused by name', (template) => {
    expect(() => compileRoute(template)).toThrow(`The route "${template}"`);
  });
});
