/** Names after which a secret follows, in connection strings, addresses and headers. */
const names = 'SharedAccessKey|SharedAccessSignature|AccountKey|Password|Pwd|sig|code|apiKey|client_secret';

/** A value: in quotes or braces, as connection strings of databases have it, or up to the next separator. */
const value = `"[^"]*"|'[^']*'|\\{[^}]*\\}|[^;&\\s"'\\\\]+`;

const pairs = new RegExp(`\\b(${names})(\\s*=\\s*)(?:${value})`, 'gi');
const bearer = /\b(Bearer\s+)[\w.~+/-]+=*/gi;

/** Blanks keys, passwords and signatures in a text. Libraries may quote a connection string or an address in their errors. */
export const hideSecrets = (text: string): string => text.replace(pairs, '$1$2***').replace(bearer, '$1***');

/**
 * The error itself if it has no secret in its texts; otherwise an error of the same name without them. For errors that leave our code,
 * because the host writes them to its log.
 */
export function withoutSecrets(error: unknown): unknown {
  if (!(error instanceof Error)) return typeof error === 'string' ? hideSecrets(error) : error;
  const { name, message, stack } = error;
  if (hideSecrets(message) === message && hideSecrets(stack ?? '') === (stack ?? '')) return error;
  const hidden = new Error(hideSecrets(message));
  hidden.name = name;
  hidden.stack = hideSecrets(stack ?? '');
  return hidden;
}
