import { isIPv6 } from 'node:net';
import { TributaryError } from '../errors';

/** How to log in: a name and password, or an identity of Entra ID. */
export type SqlLogin =
  | { readonly kind: 'password'; readonly user: string; readonly password: string }
  | { readonly kind: 'managed-identity' | 'default-credential'; readonly clientId?: string };

export interface SqlAddress {
  /** A name or an IP address, without brackets. It is `server\instance` if the port of the instance is unknown; then `port` is not used. */
  readonly server: string;
  readonly port: number;
  readonly database: string;
  readonly login: SqlLogin;
  /**
   * False only for servers without a certificate, on this machine. With `strict`, TLS begins before the protocol does (TDS 8.0); SQL Server
   * 2022 and Azure SQL support it.
   */
  readonly encrypt: boolean | 'strict';
  readonly trustServerCertificate: boolean;
  readonly connectTimeoutMs: number;
}

const expected =
  'an ADO.NET or JDBC connection string with server, database and a user with password or an Entra ID authentication';

/** Our name for each keyword of ADO.NET or JDBC. The keywords are in lower case, without blanks. */
const keywords: Readonly<Record<string, string>> = {
  server: 'server',
  datasource: 'server',
  address: 'server',
  servername: 'server',
  port: 'port',
  portnumber: 'port',
  instancename: 'instance',
  database: 'database',
  databasename: 'database',
  initialcatalog: 'database',
  user: 'user',
  userid: 'user',
  uid: 'user',
  username: 'user',
  password: 'password',
  pwd: 'password',
  encrypt: 'encrypt',
  trustservercertificate: 'trust',
  authentication: 'authentication',
  msiclientid: 'user',
  connectiontimeout: 'timeout',
  connecttimeout: 'timeout',
  timeout: 'timeout',
  logintimeout: 'timeout',
};

const authentications: Readonly<Record<string, SqlLogin['kind']>> = {
  '': 'password',
  sqlpassword: 'password',
  notspecified: 'password',
  activedirectorydefault: 'default-credential',
  activedirectorymanagedidentity: 'managed-identity',
  activedirectorymsi: 'managed-identity',
};

/** The error for a malformed connection string. Its message says what is wrong. */
class Malformed extends Error {}

/**
 * Reads an ADO.NET (`Server=tcp:host,1433;Database=…`) or JDBC (`jdbc:sqlserver://host:1433;database=…`) connection string.
 * Keywords that it does not know are ignored.
 * @param setting the name of the setting, for errors
 * @throws `settings.invalid` saying what is wrong, never a value
 */
export function parseConnectionString(text: string, setting = 'WAREHOUSE'): SqlAddress {
  try {
    return readAddress(text);
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    throw new TributaryError(
      'settings.invalid',
      `${setting} is malformed: ${error.message}; expected ${expected}.`,
    );
  }
}

function readAddress(text: string): SqlAddress {
  const jdbc = /^\s*jdbc:sqlserver:\/\/([^;]*)(?:;|$)/i.exec(text);
  const parts = jdbc ? readParts(text.slice(jdbc[0].length), jdbcPart) : readParts(text, adoNetPart);
  if (jdbc?.[1]) setOnce(parts, 'server', jdbc[1]);
  const { port, ...named } = splitServer(parts.get('server') ?? '', jdbc !== null);
  const knownPort = port ?? parts.get('port');
  const instance = named.instance ?? parts.get('instance');
  const address: SqlAddress = {
    // The client ignores the port if there is an instance. But a port is enough without the instance.
    server: instance && knownPort === undefined ? `${named.server}\\${instance}` : named.server,
    port: Number(knownPort ?? 1433),
    database: parts.get('database') ?? '',
    login: readLogin(parts),
    encrypt: readEncrypt((parts.get('encrypt') ?? 'true').toLowerCase()),
    trustServerCertificate: ['true', 'yes'].includes((parts.get('trust') ?? 'false').toLowerCase()),
    connectTimeoutMs: readTimeout(parts.get('timeout') ?? '') * 1000,
  };
  if (address.server === '') throw new Malformed('it names no server');
  if (address.database === '') throw new Malformed('it names no database');
  if (!Number.isInteger(address.port) || address.port < 1 || address.port > 65_535)
    throw new Malformed('its port is no number from 1 to 65535');
  if (!(address.connectTimeoutMs > 0 && address.connectTimeoutMs < 2 ** 31))
    throw new Malformed('its timeout is no number of seconds');
  return address;
}

const readEncrypt = (text: string): boolean | 'strict' =>
  text === 'strict' ? 'strict' : !['false', 'no', 'optional'].includes(text);

/** A timeout in seconds. 0 would mean no deadline, so it is read as the default. */
const readTimeout = (text: string) => (Number(text) === 0 ? 30 : Number(text));

function readLogin(parts: ReadonlyMap<string, string>): SqlLogin {
  const authentication = (parts.get('authentication') ?? '').replace(/[\s_]/g, '').toLowerCase();
  const kind = authentications[authentication];
  const user = parts.get('user') ?? '';
  if (kind === undefined)
    throw new Malformed(
      'its Authentication is none of SqlPassword, Active Directory Default, Active Directory Managed Identity',
    );
  if (kind !== 'password') return { kind, ...(user === '' ? {} : { clientId: user }) };
  const password = parts.get('password') ?? '';
  if (user === '') throw new Malformed('it names no user and no Authentication');
  if (password === '') throw new Malformed('it has no password');
  return { kind, user, password };
}

interface ServerParts {
  readonly server: string;
  readonly instance?: string | undefined;
  readonly port?: string | undefined;
}

/**
 * Splits a server, which may be an IPv6 address in brackets, its instance, and its port. ADO.NET separates the port by a comma and may have
 * `tcp:` in front; JDBC separates it by a colon.
 */
function splitServer(text: string, jdbc: boolean): ServerParts {
  const plain = text.trim().replace(/^tcp:/i, '');
  if (isIPv6(plain)) return { server: plain };
  if (!jdbc && /^[^[:]*:/.test(plain))
    throw new Malformed(
      'its server has a colon: in the ADO.NET form, a comma is before the port, like Server=host,1433',
    );
  const found = (jdbc ? jdbcServer : adoNetServer).exec(plain);
  const [, address, name = '', instance, port] = found ?? [];
  return { server: (address ?? name).trim(), instance: instance?.trim(), port: port?.trim() };
}

const adoNetServer = /^\s*(?:\[([^\]]*)\]|([^\\,]*))\s*(?:\\([^,]*))?(?:,(.*))?$/s;
const jdbcServer = /^\s*(?:\[([^\]]*)\]|([^\\:]*))\s*(?:\\([^:]*))?(?::(.*))?$/s;

/** A part `name=value`. The value may be in quotes; inside, a quote is doubled. In ADO.NET, a brace is an ordinary character. */
const adoNetPart =
  /\s*(?<name>[^=;]+?)\s*=\s*(?:"(?<double>(?:[^"]|"")*)"|'(?<single>(?:[^']|'')*)'|(?<plain>[^;]*))\s*(?:;|$)/y;
/** In JDBC, the value may also be in braces; inside, a closing brace is doubled. Quotes are read as in ADO.NET. */
const jdbcPart =
  /\s*(?<name>[^=;]+?)\s*=\s*(?:"(?<double>(?:[^"]|"")*)"|'(?<single>(?:[^']|'')*)'|\{(?<brace>(?:[^}]|\}\})*)\}|(?<plain>[^;]*))\s*(?:;|$)/y;

const openQuote =
  'a value begins with a quote but is not in quotes to its end; put it in quotes of the other kind (ADO.NET) or in braces (JDBC)';

/**
 * Sets the value for a keyword. Several keywords of one meaning are allowed, but different values are not, because it would be unclear
 * which one applies.
 */
function setOnce(parts: Map<string, string>, key: string, value: string): void {
  if ((parts.get(key) ?? value) !== value) throw new Malformed(`it has two different values for the ${key}`);
  parts.set(key, value);
}

/** Reads `name=value` parts into a map by our names. */
function readParts(text: string, pattern: RegExp): Map<string, string> {
  const parts = new Map<string, string>();
  let end = 0;
  while (end < text.length) {
    const blank = /[\s;]*/y;
    blank.lastIndex = end;
    blank.exec(text);
    end = blank.lastIndex;
    if (end >= text.length) break;
    pattern.lastIndex = end;
    const found = pattern.exec(text);
    if (!found) throw new Malformed('it is not a list of name=value parts');
    const { name = '', double, single, brace, plain = '' } = found.groups ?? {};
    const value =
      double?.replaceAll('""', '"') ??
      single?.replaceAll("''", "'") ??
      brace?.replaceAll('}}', '}') ??
      plain.trim();
    const key = keywords[name.replace(/[\s_]/g, '').toLowerCase()];
    if (/^["']/.test(plain)) throw new Malformed(openQuote);
    if (key !== undefined) setOnce(parts, key, value);
    end = pattern.lastIndex;
  }
  return parts;
}
