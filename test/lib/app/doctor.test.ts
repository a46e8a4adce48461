import { expect, it } from 'vitest';
import { checkNode } from '../../../src/lib/app/doctor';

it.each(['22.0.0', '24.21.0'])('is content with Node.js %s', (version) => {
  expect(checkNode(version)).toEqual({ what: 'Node.js', state: 'ok', says: version });
});

it('says what to do about a Node.js on which the app would fail', () => {
  expect(checkNode('20.19.2')).toEqual({
    what: 'Node.js',
    state: 'wrong',
    says: 'Tributary needs Node.js 22 or newer, and this is 20.19.2',
    remedy: 'install Node.js 24 and start again; in Azure, set the function app to Node.js 24.',
  });
});
