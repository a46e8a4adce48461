import type { PlantedFault } from '../chaos/plant';

/** A mistake in one place of the source, with the test files of which at least one must fail. */
export interface KnownFault extends PlantedFault {
  readonly tests: readonly string[];
}

const fault = (file: string, text: string, replacement: string, ...tests: string[]): KnownFault => ({
  file: file.includes('/sql/') ? file : `src/lib/${file}.ts`,
  text,
  replacement,
  tests: tests.map((test) => `test/lib/warehouse/${test}.test.ts`),
});

/**
 * Mistakes in loads and rebuilds of SQL databases that were made once, or are easily made, and that a server which is not strict enough
 * would hide.
 */
export const sqlFaults: Readonly<Record<string, KnownFault>> = {
  'a load leaves NOCOUNT on': fault(
    'warehouse/synapse/loadStatements',
    '`BEGIN TRANSACTION;',
    '`SET NOCOUNT ON;\nBEGIN TRANSACTION;',
    'synapse/sessionOptions',
  ),
  'touched rows are counted on a server that does not tell them': fault(
    'warehouse/synapse/sqlClient',
    '`SET NOCOUNT OFF; ',
    '`',
    'synapse/synapseWarehouse',
    'contract',
  ),
  'the fence lets every load through': fault(
    'warehouse/synapse/loadStatements',
    'IF @won = 1 BEGIN',
    'IF @won >= 0 BEGIN',
    'synapse/synapseWarehouse',
  ),
  'the fence lets every bulk load through': fault(
    'warehouse/synapse/loads',
    'if (won !== 1) return undefined;',
    '',
    'synapse/bulkLoad',
  ),
  'a rebuild never gives up': fault(
    'warehouse/rebuild',
    'const maxTries = 5;',
    'const maxTries = 1e9;',
    'rebuild',
  ),
  'a rebuild does not wait between its tries': fault(
    'warehouse/rebuild',
    'await pauseFor(backoffMs(tries, backoff), signal);',
    '',
    'rebuild',
  ),
  'a shadow is filled although its rebuild must end': fault(
    'warehouse/fillShadow',
    "if (signal.aborted) return { step: 'stopped' };\n    let [end",
    'let [end',
    'rebuild',
  ),
  'a shadow takes the place before it has followed the log': fault(
    'warehouse/rebuild',
    'return followLog({ ...follow, until: own });',
    'return near;',
    'rebuild',
  ),
  'loads go on while a shadow takes the place': fault(
    'warehouse/rebuild',
    "if (!(await warehouse.hold({ table, shadow }))) return { step: 'taken' };",
    '',
    'rebuild',
  ),
  'a shadow has a name that earlier releases continue': fault(
    'warehouse/shadow',
    '__reload_`',
    '__rebuild_`',
    'shadow',
    'ledgerMarks',
  ),
  'a swap believes what a reader of the ledger saw': fault(
    'warehouse/synapse/hold',
    'AND last_version >= ',
    'AND -1 <= ',
    'rebuild',
  ),
  'a rebuilt table of a pool has no rights': fault(
    'warehouse/synapse/synapseWarehouse',
    "if (dialect === 'pool') await this.#copyGrants(swap);",
    "if (dialect === 'pool');",
    'synapse/swapTables',
  ),
  'a rebuilt table of a pool is a heap': fault(
    'warehouse/synapse/synapseWarehouse',
    'createTable(shadow, dialect, found?.layout)',
    'createTable(shadow, dialect)',
    'synapse/swapTables',
  ),
  'an ordered columnstore loses its order': fault(
    'warehouse/synapse/tableLayout',
    "columns.length === 0 ? ''",
    "true ? ''",
    'synapse/swapTables',
  ),
  'new row numbers are not told before': fault(
    'warehouse/synapse/keptBySwap',
    'if (table.identity !== undefined)',
    'if (false)',
    'synapse/swapTables',
  ),
  'a view that is bound to a table is found at the end': fault(
    'warehouse/synapse/keptBySwap',
    'if (bound.rows.length === 0) return [];',
    'return [];',
    'synapse/swapTables',
  ),
  'a security policy is found at the end': fault(
    'warehouse/synapse/keptBySwap',
    'lost.push(...(await refuseIfFiltered(client, table)));',
    '',
    'synapse/swapTables',
  ),
  'masks are lost without a word': fault(
    'warehouse/synapse/keptBySwap',
    'if (masked.length > 0)',
    'if (false)',
    'synapse/swapTables',
  ),
  'SQL Server gets another table by a rebuild': fault(
    'warehouse/synapse/swapTables',
    "const renames = dialect === 'pool' || found.stage !== 'held';",
    'const renames = true;',
    'synapse/swapTables',
  ),
  'a bulk load is a batch of its own for few rows': fault(
    'warehouse/synapse/loads',
    'rows.count >= threshold && (await',
    '(await',
    'synapse/bulkLoad',
  ),
  'a bulk load drops what is below a millisecond': fault(
    'warehouse/synapse/bulkLoad',
    'nanosecondDelta: rest / 1e6',
    'nanosecondDelta: 0',
    'synapse/bulkLoad',
  ),
  'a bulk load sends letters in the code page of the database': fault(
    'warehouse/synapse/loads',
    'isAscii(cell) ||',
    'true ||',
    'synapse/bulkLoad',
  ),
  'Fabric is taken for a dedicated pool': fault(
    'warehouse/synapse/engine',
    'if (edition === dedicatedPool)',
    'if (edition === dedicatedPool || edition === 11)',
    'synapse/engine',
  ),
  'text columns have the code page of the database': fault(
    'warehouse/synapse/tables',
    "type.startsWith('varchar') ?",
    'false ?',
    'synapse/textColumns',
  ),
  'a table of another code page is loaded': fault(
    'warehouse/synapse/loads',
    'await this.#client.described(() => checkTextColumns(this.#client, table, dialect));',
    '',
    'synapse/textColumns',
  ),
  'a connection that was being closed is a refusal': fault(
    'warehouse/synapse/sqlErrors',
    "  'EINVALIDSTATE',\n",
    '',
    'synapse/sqlErrors',
  ),
  'want of memory is a refusal': fault(
    'warehouse/synapse/sqlErrors',
    "  [8645, 'the server has too little memory'],\n",
    '',
    'synapse/sqlErrors',
    'synapse/synapseWarehouse',
  ),
  'any refusal switches COPY off': fault(
    'warehouse/synapse/loads',
    'const isForGood = isNeverPossible(error.cause);',
    'const isForGood = true;',
    'synapse/synapseWarehouse',
  ),
  'a deadlock is an error': fault(
    'warehouse/synapse/sqlErrors',
    'numberOf(toParts(error)) === deadlock',
    'false',
    'synapse/sqlClient',
  ),
  'a lost answer is taken for a failure': fault(
    'warehouse/synapse/sqlErrors',
    'return number === undefined || endsSession.has(number);',
    'return false;',
    'synapse/synapseWarehouse',
  ),
  'a ledger has no key': fault(
    'warehouse/synapse/synapseWarehouse',
    "if (dialect === 'server') await this.#client.described(() => this.#ledger.addKey());",
    '',
    'synapse/ledgerKey',
  ),
  'init fails beside another one': fault(
    'warehouse/synapse/synapseWarehouse',
    'if (!isMadeMeanwhile(error)) throw',
    'throw',
    'synapse/synapseWarehouse',
  ),
  'the database is asked although nothing is to be loaded': fault(
    'warehouse/catchUp',
    'lastKnown?.position ?? (await readLedgerPosition(warehouse, table))',
    'await readLedgerPosition(warehouse, table)',
    'idle',
  ),
  'rows are sent again after a load that was overtaken': fault(
    'warehouse/catchUp',
    ' && !lastKnown?.isContested',
    '',
    'idle',
  ),
  'loads of a pool do not wait their turn': fault(
    'warehouse/synapse/loads',
    "!== 'pool') return this.#loadWithColumns(load);",
    "!== 'none') return this.#loadWithColumns(load);",
    'synapse/synapseWarehouse',
  ),
  'a view counts clicks of the wrong category': fault(
    'streams/warehouseView',
    'enqueued_at DESC, category DESC',
    'enqueued_at, category DESC',
    'views',
  ),
  'a view takes the oldest price': fault(
    'streams/warehouseView',
    'ORDER BY runtime_timestamp DESC',
    'ORDER BY runtime_timestamp',
    'views',
  ),
  "the app's user may not end a rebuild": fault(
    'deploy/sql/loader.sql',
    'GRANT DELETE ON SCHEMA::ops TO [<app>];',
    '',
    'synapse/rights',
  ),
  'a check compares numbers of rows alone': fault(
    'warehouse/check/checkTable',
    'sum.isEqual(expected)',
    'sum.rows === expected.rows',
    'check/checkTable',
  ),
  'a check does not count rejected rows': fault(
    'warehouse/check/checkTable',
    'isOdd ? rejectedWanted : undefined',
    'undefined',
    'check/checkTable',
  ),
  'Encrypt=Strict is taken for true': fault(
    'warehouse/connectionString',
    "text === 'strict' ? 'strict' :",
    "text === 'strict' ? true :",
    'connectionString',
  ),
  'a connection with Encrypt=Strict begins in plain text': fault(
    'warehouse/synapse/sqlClient',
    'encrypt: address.encrypt as boolean',
    'encrypt: Boolean(address.encrypt)',
    'synapse/sqlClient',
  ),
  'staged files stay': fault(
    'warehouse/synapse/loads',
    'await staging.store.delete(path).catch(() => {});',
    '',
    'synapse/synapseWarehouse',
  ),
};
