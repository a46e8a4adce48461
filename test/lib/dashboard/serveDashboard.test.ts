import { describe, expect, it } from 'vitest';
import { serveDashboard } from '../../../src/lib/dashboard/serveDashboard';

const ask = (url: string, path = '') => {
  const { searchParams: query } = new URL(url);
  return serveDashboard({ path, query, headers: new Headers(), url });
};

describe('the address of the dashboard', () => {
  it.each([
    ['http://127.0.0.1:7071/api/dashboard/', 'http://127.0.0.1:7071/api/dashboard'],
    ['https://app.example/api/dashboard//', 'https://app.example/api/dashboard'],
    [
      'https://app.example/any/prefix/dashboard/?code=a%2Bb',
      'https://app.example/any/prefix/dashboard?code=a%2Bb',
    ],
    ['https://app.example/dashboard/', 'https://app.example/dashboard'],
  ])('%s leads to the one without a slash, whatever is before it', async (url, to) => {
    const { status, headers, body } = await ask(url);
    expect(status).toBe(308);
    expect(body).toBeUndefined();
    expect(headers.Location).toMatch(/^\.\.\//);
    expect(new URL(headers.Location ?? '', url).href).toBe(to);
    expect((await ask(to)).body).toMatch(/^<!doctype html>/);
  });

  it('answers 404 for an unknown part', async () => {
    expect((await ask('https://app.example/api/dashboard/other/', 'other')).status).toBe(404);
  });
});
