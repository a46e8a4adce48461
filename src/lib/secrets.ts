/** Names in connection strings and addresses whose value is a secret. */
const names = 'SharedAccessKey|SharedAccessSignature|AccountKey|sig|apiKey|client_secret';

/** A value in quotes or braces, as in connection strings of databases. Inside, a doubled closing character stands for a single one. */
const quoted = `"(?:[^"]|"")*"|'(?:[^']|'')*'|\\{(?:[^}]|\\}\\})*\\}`;

const pairs = new RegExp(`\\b(${names})(\\s*=\\s*)(?:${quoted}|[^;&\\s"'\\\\]+)`, 'gi');
/** A password may have any character but a semicolon, also spaces and quotes. */
const passwords = new RegExp(
  `\\b(Password|Pwd)(\\s*=\\s*)(?:(?:${quoted})(?=\\s*(?:;|$))|[^;\\r\\n]+)`,
  'gim',
);
/** The key of a function in an address. Only there is `code` the name of a secret; in other texts it is the code of an error. */
const functionKeys = /([?&]code=)[^&\s"'\\]+/gi;
const bearer = /\b(Bearer\s+)[\w.~+/-]+=*/gi;

/** Blanks keys, passwords and signatures in a text. Libraries may quote a connection string or an address in their errors. */
export const hideSecrets = (text: string): string =>
  text
    .replace(pairs, '$1$2***')
    .replace(passwords, '$1$2***')
    .replace(functionKeys, '$1***')
    .replace(bearer, '$1***');

/**
 * The error itself if it has no secret in its texts; otherwise an error of the same name without them. It is for errors that leave our
 * code, because the host writes them to its log.
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
