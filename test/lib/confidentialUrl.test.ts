import { expect, it } from 'vitest';
import { isConfidential } from '../../src/lib/confidentialUrl';

it.each([
  'https://rest.coincap.io',
  'https://127.0.0.1',
  'http://127.0.0.1:7072/v3',
  'http://localhost',
  'http://LOCALHOST:80',
  'http://[::1]:7072',
  'http://2130706433',
])('a key may be sent to %s', (url) => expect(isConfidential(new URL(url))).toBe(true));

it.each([
  'http://rest.coincap.io',
  'http://127.0.0.1.example.com',
  'http://localhost.example.com',
  'http://localhost@example.com',
  'ftp://localhost',
  'file:///etc/passwd',
])('no key may be sent to %s', (url) => expect(isConfidential(new URL(url))).toBe(false));
