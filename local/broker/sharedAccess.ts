import { createHmac, timingSafeEqual } from 'node:crypto';
import { normalizeAddress } from './address';

/** The broker's shared access policy. */
export interface SharedAccessKey {
  name: string;
  key: string;
}

/** The grant of a token: its entity and everything below that, until the token expires (in milliseconds since 1970). */
export type Grant = { path: string; expires: number };

/**
 * Checks a shared access signature: `SharedAccessSignature sr=<audience>&sig=<signature>&se=<expiry in s>&skn=<key name>`,
 * the signature being the base64 HMAC-SHA256 of `sr`, a newline and `se`.
 *
 * @returns The grant, or the reason why the token is refused. The reason never contains the token.
 */
export function checkToken(token: string, policy: SharedAccessKey, now: number): Grant | { refused: string } {
  const [scheme, query = ''] = token.split(' ', 2);
  if (scheme !== 'SharedAccessSignature') {
    return { refused: 'InvalidToken: this broker takes shared access signatures only' };
  }
  const fields = new Map(
    query.split('&').map((field) => {
      const equals = field.indexOf('=');
      return [field.slice(0, equals), field.slice(equals + 1)];
    }),
  );
  const sr = fields.get('sr') ?? '';
  const se = fields.get('se') ?? '';
  const expected = createHmac('sha256', policy.key).update(`${sr}\n${se}`).digest();
  const given = Buffer.from(decode(fields.get('sig') ?? ''), 'base64');
  const genuine = given.length === expected.length && timingSafeEqual(given, expected);
  if (!genuine || decode(fields.get('skn') ?? '') !== policy.name) {
    return { refused: 'InvalidSignature: The token has an invalid signature.' };
  }
  const expires = Number(se) * 1000;
  if (!(expires > now)) return { refused: 'ExpiredToken: The token is expired.' };
  // A client that wants a hub's properties asks for a token of the hub's management node.
  return { path: normalizeAddress(decode(sr)).replace(/\/?\$management$/, ''), expires };
}

/** Whether one of the grants covers an entity's address. */
export function isGranted(grants: Iterable<Grant>, address: string, now: number): boolean {
  const path = normalizeAddress(address);
  for (const grant of grants) {
    const covers = grant.path === '' || path === grant.path || path.startsWith(`${grant.path}/`);
    if (covers && grant.expires > now) return true;
  }
  return false;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}
