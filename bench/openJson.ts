import { randomUUID } from 'node:crypto';
import sql from 'mssql';
import type { SqlAddress } from '../src/lib/warehouse/connectionString';
import { formatCell, quoteName } from '../src/lib/warehouse/synapse/literals';
import { columnList, fencedLoad } from '../src/lib/warehouse/synapse/loadStatements';
import { quoteTable } from '../src/lib/warehouse/synapse/tables';
import { fullName, type Load, type Warehouse } from '../src/lib/warehouse/warehouse';

/**
 * Loads rows through one JSON parameter, in a batch with the fence. It is for servers that are opened with a password, and was never run on
 * a real one.
 */
export function openJsonLoader({
  login,
  server,
  port,
  database,
  encrypt,
}: SqlAddress): Pick<Warehouse, 'load' | 'close'> {
  if (login.kind !== 'password') throw new Error('The bench logs in with a user and a password.');
  const pool = new sql.ConnectionPool({
    ...{ server, port, database, user: login.user, password: login.password },
    requestTimeout: 300_000,
    options: { encrypt, trustServerCertificate: true },
  });
  const connected = pool.connect();
  return {
    async load(load) {
      const request = (await connected).request().input('rows', sql.NVarChar(sql.MAX), toJson(load));
      const { name, from, to } = { ...load, name: fullName(load.table) };
      const { recordset } = await request.query(
        fencedLoad({ name, from, to, token: randomUUID(), keepsMarks: false, body: insertJson(load) }),
      );
      return Number(recordset[0]?.won) === 1 ? 'loaded' : 'overtaken';
    },
    close: async () => void (await pool.close()),
  };
}

function toJson({ table, rows }: Load): string {
  const records = Array.from({ length: rows.count }, (_, row) =>
    table.columns.map(({ type }, index) => {
      const cell = rows.columns[index]?.[row] ?? null;
      return cell === null ? null : formatCell(cell, type);
    }),
  );
  return JSON.stringify(records);
}

function insertJson({ table }: Load): string {
  const fields = table.columns.map(({ name, type }, index) => `${quoteName(name)} ${type} '$[${index}]'`);
  return `INSERT INTO ${quoteTable(table)} (${columnList(table)}) SELECT ${columnList(table)} FROM OPENJSON(@rows) WITH (${fields.join(', ')});`;
}
