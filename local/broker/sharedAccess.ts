import { createHmac, timingSafeEqual } from 'node:crypto';
import { normalizeAddress } from './address';

export type Right = 'listen' | 'send';

/** A shared access policy of the broker. */
export interface SharedAccessPolicy {
  name: string;
  key: string;
  rights: readonly Right[];
}

/**
 * The policies of the broker: one with every right, and one for each right, like those of hubs whose producers and consumers have
 * keys of their own.
 */
export const policiesOf = (name: string, key: string): SharedAccessPolicy[] => [
  { name, key, rights: ['listen', 'send'] },
  { name: 'listen', key, rights: ['listen'] },
  { name: 'send', key, rights: ['send'] },
];

/** The grant of a token: rights on its entity and everything below that, until the token expires (in milliseconds since 1970). */
export type Grant = { path: string; expires: number; rights: readonly Right[] };

/**
 * Checks a shared access signature: `SharedAccessSignature sr=<audience>&sig=<signature>&se=<expiry in s>&skn=<key name>`,
 * the signature being the base64 HMAC-SHA256 of `sr`, a newline and `se`.
 *
 * @returns The grant, or the reason why the token is refused. The reason never contains the token.
 */
export function checkToken(
  token: string,
  policies: readonly SharedAccessPolicy[],
  now: number,
): Grant | { refused: string } {
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
  const policy = policies.find(({ name }) => name === decode(fields.get('skn') ?? ''));
  if (!policy || !isSignedWith(policy.key, `${sr}\n${se}`, decode(fields.get('sig') ?? ''))) {
    return { refused: 'InvalidSignature: The token has an invalid signature.' };
  }
  const expires = Number(se) * 1000;
  if (!(expires > now)) return { refused: 'ExpiredToken: The token is expired.' };
  // A client that wants a hub's properties asks for a token of the hub's management node.
  const path = normalizeAddress(decode(sr)).replace(/\/?\$management$/, '');
  return { path, expires, rights: policy.rights };
}

function isSignedWith(key: string, text: string, signature: string): boolean {
  const expected = createHmac('sha256', key).update(text).digest();
  const given = Buffer.from(signature, 'base64');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** Whether one of the grants has a right on an entity's address. */
export function isGranted(
  grants: Iterable<Grant>,
  { address, right }: { readonly address: string; readonly right: Right },
  now: number,
): boolean {
  const path = normalizeAddress(address);
  for (const grant of grants) {
    const covers = grant.path === '' || path === grant.path || path.startsWith(`${grant.path}/`);
    if (covers && grant.rights.includes(right) && grant.expires > now) return true;
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
