import { describe, expect, it } from 'vitest';
import { parseConnectionString } from '../../../src/lib/warehouse/connectionString';
import { parseReader, parseWarehouse } from '../../../src/lib/warehouse/warehouseSetting';

describe('a connection string', () => {
  const pool = { server: 'ws.sql.azuresynapse.net', port: 1433, database: 'dwh' };

  it('may have the JDBC form of the portal', () => {
    const text =
      'jdbc:sqlserver://ws.sql.azuresynapse.net:1433;database=dwh;user=loader@ws;password=p;encrypt=true;trustServerCertificate=false;hostNameInCertificate=*.sql.azuresynapse.net;loginTimeout=30;';
    expect(parseConnectionString(text)).toEqual({
      ...pool,
      login: { kind: 'password', user: 'loader@ws', password: 'p' },
      encrypt: true,
      trustServerCertificate: false,
      connectTimeoutMs: 30_000,
    });
  });

  it('may have the ADO.NET form of the portal', () => {
    const text =
      'Server=tcp:ws.sql.azuresynapse.net,1433;Initial Catalog=dwh;Persist Security Info=False;User ID=loader;Password="p;w}";MultipleActiveResultSets=False;Encrypt=True;TrustServerCertificate=False;Connection Timeout=15;';
    expect(parseConnectionString(text)).toMatchObject({
      ...pool,
      login: { kind: 'password', user: 'loader', password: 'p;w}' },
      connectTimeoutMs: 15_000,
    });
  });

  it.each([
    ['Password="a;b""c"', 'a;b"c'],
    ["Password='a;b''c'", "a;b'c"],
    ['Password=a=b', 'a=b'],
    // Braces are nothing special in ADO.NET.
    ['Password={p}', '{p}'],
    ['Password={p', '{p'],
  ])('takes %s', (part, password) => {
    const { login } = parseConnectionString(`Server=s;Database=d;User ID=u;${part};Encrypt=True`);
    expect(login).toEqual({ kind: 'password', user: 'u', password });
  });

  it.each([
    ['password={p}', 'p'],
    ['password={p;w}};}', 'p;w};'],
    ['password={p', '{p'],
  ])('of JDBC may have a value in braces: %s', (part, password) => {
    const { login } = parseConnectionString(`jdbc:sqlserver://s;database=d;user=u;${part};encrypt=true`);
    expect(login).toEqual({ kind: 'password', user: 'u', password });
  });

  const rest = 'Database=d;User ID=u;Password=p';
  it.each([
    [`Server=s;${rest}`, true],
    [`Server=s;${rest};Encrypt=Mandatory`, true],
    [`Server=s;${rest};Encrypt=Optional`, false],
    [`Server=s;${rest};Encrypt=Strict`, 'strict'],
    [`jdbc:sqlserver://s;${rest};encrypt=strict`, 'strict'],
  ])('says how the connection is encrypted: %s', (text, encrypt) => {
    expect(parseConnectionString(text)).toMatchObject({ encrypt });
  });

  it.each([
    [`Server=host1\\SQLEXPRESS;${rest}`, 'host1\\SQLEXPRESS', 1433],
    [`Server=127.0.0.1\\SQLEXPRESS,1500;${rest}`, '127.0.0.1', 1500],
    [`jdbc:sqlserver://host1\\SQLEXPRESS:1500;${rest}`, 'host1', 1500],
    [`jdbc:sqlserver://host1\\SQLEXPRESS;${rest}`, 'host1\\SQLEXPRESS', 1433],
    [`jdbc:sqlserver://;serverName=host1;instanceName=i;${rest}`, 'host1\\i', 1433],
    [`jdbc:sqlserver://host1;instanceName=i;portNumber=1500;${rest}`, 'host1', 1500],
    [`Server=tcp:[::1],1500;${rest}`, '::1', 1500],
    [`Server=[fe80::2]\\i,1500;${rest}`, 'fe80::2', 1500],
    [`Server=::1;${rest}`, '::1', 1433],
    [`jdbc:sqlserver://[::1]:1500;${rest}`, '::1', 1500],
    [`jdbc:sqlserver://;serverName=::1;${rest}`, '::1', 1433],
  ])('names a server, its instance and its port, of which the port wins: %s', (text, server, port) => {
    expect(parseConnectionString(text)).toMatchObject({ server, port });
  });

  it('may name the same server twice', () => {
    expect(parseConnectionString(`Server=s;Data Source=s;${rest}`)).toMatchObject({ server: 's' });
  });

  it.each(['', ' ', ';', ' ; ;\n'])('may have blanks and semicolons around its parts: "%s"', (around) => {
    const text = `${around}Server = s ;${around}Database=d;User ID=u;Password = " p " ;${around}`;
    expect(parseConnectionString(text)).toMatchObject({
      server: 's',
      database: 'd',
      login: { kind: 'password', user: 'u', password: ' p ' },
    });
  });

  it.each([
    ['', 30_000],
    ['Connect Timeout=0', 30_000],
    ['loginTimeout=', 30_000],
    ['Connect Timeout=90', 90_000],
    // The most that a timer of Node.js takes.
    ['Connect Timeout=2147483', 2_147_483_000],
  ])('never means that there is no deadline: "%s"', (part, milliseconds) => {
    const text = `Server=s;Database=d;User ID=u;Password=p;${part}`;
    expect(parseConnectionString(text).connectTimeoutMs).toBe(milliseconds);
  });

  it.each([
    ['Active Directory Managed Identity', 'managed-identity'],
    ['Active Directory MSI', 'managed-identity'],
    ['ActiveDirectoryDefault', 'default-credential'],
  ])('with Authentication=%s never becomes a login by password', (authentication, kind) => {
    const text = `Server=s;Database=d;Authentication=${authentication}`;
    expect(parseConnectionString(text).login).toEqual({ kind });
    expect(parseConnectionString(`${text};User ID=client-id`).login).toEqual({ kind, clientId: 'client-id' });
  });

  it.each([
    ['Database=d;User ID=u;Password=s3cret', 'it names no server'],
    ['Server=s;User ID=u;Password=s3cret', 'it names no database'],
    ['Server=s;Database=d;Password=s3cret', 'it names no user'],
    ['Server=s;Database=d;User ID=u', 'it has no password'],
    ['Server=s,port;Database=d;User ID=u;Password=s3cret', 'its port is no number'],
    ['Server=s;Database=d;User ID=u;Password=s3cret;Connect Timeout=-1', 'its timeout is no number'],
    ['Server=s;Database=d;User ID=u;Password=s3cret;Connect Timeout=soon', 'its timeout is no number'],
    ['Server=s;Database=d;User ID=u;Password=s3cret;Connect Timeout=2147484', 'its timeout is no number'],
    [
      'Server=s;Database=d;Authentication=Active Directory Interactive;Password=s3cret',
      'its Authentication is none of',
    ],
    ['Server=s:1433;Database=d;User ID=u;Password=s3cret', 'its server has a colon'],
    ['Server=tcp:s:1433;Database=d;User ID=u;Password=s3cret', 'its server has a colon'],
    [
      'Server=a;Data Source=b;Database=d;User ID=u;Password=s3cret',
      'it has two different values for the server',
    ],
    [
      'jdbc:sqlserver://a;serverName=b;database=d;user=u;password=s3cret',
      'it has two different values for the server',
    ],
    ['Server=s;Database=d;User ID=u;Password="s3cret', 'a value begins with a quote but'],
    ["Server=s;Database=d;User ID=u;Password='s3cret';Pooling='false", 'a value begins with a quote but'],
    ['jdbc:sqlserver://s;database=d;user=u;password="s3cret', 'a value begins with a quote but'],
    ['s3cret', 'it is not a list of name=value parts'],
  ])('says what is wrong, and no value of it', (text, problem) => {
    const read = () => parseConnectionString(text);
    expect(read).toThrow(problem);
    expect(read).toThrow(
      expect.objectContaining({ code: 'settings.invalid', message: expect.not.stringContaining('s3cret') }),
    );
  });
});

describe('WAREHOUSE', () => {
  it('is none, a DuckDB file or a connection string', () => {
    expect(parseWarehouse('None')).toEqual({ kind: 'none' });
    expect(parseWarehouse('duckdb:.local/w.duckdb')).toEqual({ kind: 'duckdb', path: '.local/w.duckdb' });
    expect(parseWarehouse('Server=s;Database=d;User ID=u;Password=p')).toMatchObject({ kind: 'sql' });
    expect(() => parseWarehouse('duckdb:')).toThrow('expected a file');
  });
});

describe('WAREHOUSE_READER', () => {
  const at = 'Server=s;Database=d';
  const warehouse = parseWarehouse(`${at};User ID=loader;Password=p`);

  it('is none or a connection string, and an error names it', () => {
    expect(parseReader('none', warehouse)).toBeUndefined();
    expect(parseReader(`${at};User ID=reader;Password=p`, warehouse)).toMatchObject({
      server: 's',
      login: { user: 'reader' },
    });
    for (const text of ['duckdb:w.duckdb', `${at};User ID=reader`])
      expect(() => parseReader(text, warehouse)).toThrow('WAREHOUSE_READER is malformed: ');
  });

  it('is a login to the same database', () => {
    expect(() => parseReader('Server=s;Database=e;User ID=reader;Password=p', warehouse)).toThrow(
      'WAREHOUSE_READER names another database than WAREHOUSE: expected the same.',
    );
    expect(parseReader('Server=s;Database=D;User ID=reader;Password=p', warehouse)).toBeDefined();
  });

  it.each([
    ['the same identity, in other case', 'ab-1', 'AB-1', true],
    ['another identity', 'ab-1', 'ab-2', false],
    ["the machine's own identity, both", '', '', true],
    ["the machine's own identity and a named one", '', 'ab-1', false],
  ])('with %s', (_what, first, second, isRefused) => {
    const login = (id: string) =>
      `${at};Authentication=Active Directory Managed Identity${id && `;User ID=${id}`}`;
    const parse = () => parseReader(login(second), parseWarehouse(login(first)));
    if (isRefused) expect(parse).toThrow('WAREHOUSE_READER has the login of WAREHOUSE');
    else expect(parse()).toMatchObject({ login: { kind: expect.any(String) } });
  });

  it.each([
    [`${at};User ID=loader;Password=p`, `${at};User ID=Loader@s;Password=other`],
    [
      `${at};Authentication=Active Directory Managed Identity`,
      `${at};Authentication=Active Directory Default`,
    ],
    [
      `${at};Authentication=Active Directory MSI;User ID=id`,
      `${at};Authentication=Active Directory MSI;User ID=ID`,
    ],
  ])('may not be the login that loads: %s', (text, reader) => {
    const setting = parseWarehouse(text);
    expect(() => parseReader(reader, setting)).toThrow('WAREHOUSE_READER has the login of WAREHOUSE');
    expect(parseReader(`${at};User ID=reader;Password=p`, setting)).toMatchObject({ server: 's' });
  });
});
