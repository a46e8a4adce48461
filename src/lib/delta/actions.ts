import { createHash } from 'node:crypto';
import { TributaryError } from '../errors';

/*
 * The actions of the Delta log (PROTOCOL.md, "Actions") as this project reads and writes them. Unknown fields are kept when an
 * action is rewritten.
 */

interface Extensible {
  readonly [unknownField: string]: unknown;
}

export interface Protocol extends Extensible {
  readonly minReaderVersion: number;
  readonly minWriterVersion: number;
  readonly readerFeatures?: readonly string[];
  readonly writerFeatures?: readonly string[];
}

export interface Metadata extends Extensible {
  readonly id: string;
  readonly name?: string;
  readonly format: { readonly provider: string; readonly options?: Readonly<Record<string, string>> };
  readonly schemaString: string;
  readonly partitionColumns: readonly string[];
  readonly configuration: Readonly<Record<string, string>>;
  /** Milliseconds since 1970. */
  readonly createdTime?: number;
}

export interface Add extends Extensible {
  /** URI-encoded, relative to the table. */
  readonly path: string;
  readonly partitionValues: Readonly<Record<string, string | null>>;
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly modificationTime: number;
  readonly dataChange: boolean;
  /** JSON with the members numRecords, minValues, maxValues and nullCount. */
  readonly stats?: string;
}

export interface Remove extends Extensible {
  readonly path: string;
  /** Milliseconds since 1970; a writer may leave it out, which means that it has long expired. */
  readonly deletionTimestamp?: number;
  readonly dataChange: boolean;
  readonly partitionValues?: Readonly<Record<string, string | null>>;
  readonly size?: number;
}

/** An application's progress: `version` only grows (PROTOCOL.md, "Transaction Identifiers"). */
export interface Txn extends Extensible {
  readonly appId: string;
  readonly version: number;
  /** Milliseconds since 1970. */
  readonly lastUpdated?: number;
}

export interface CommitInfo extends Extensible {
  /** Milliseconds since 1970. */
  readonly timestamp?: number;
  readonly operation?: string;
  /** A unique id of one attempt to commit. It tells our own commit from a rival's. */
  readonly txnId?: string;
  /** The mark of the log entry that this commit was made on, which is entry number `readVersion`. Only our own commits have it. */
  readonly readMark?: string;
}

export type Action =
  | { readonly protocol: Protocol }
  | { readonly metaData: Metadata }
  | { readonly add: Add }
  | { readonly remove: Remove }
  | { readonly txn: Txn }
  | { readonly commitInfo: CommitInfo };

/** One version's actions by kind, in the order of the file. */
export interface Commit {
  readonly version: number;
  /** Tells this log entry from any other entry with the same number. A part of a checkpoint has no mark. */
  readonly mark?: string;
  /** When the store wrote the entry, in milliseconds since 1970 by the store's clock; undefined if it was not read from there. */
  readonly storedAt?: number;
  readonly protocol?: Protocol;
  readonly metaData?: Metadata;
  readonly commitInfo?: CommitInfo;
  readonly adds: readonly Add[];
  readonly removes: readonly Remove[];
  readonly txns: readonly Txn[];
}

/** One JSON action per line. Lone surrogates are replaced, because with one some readers cannot read the whole table. */
export function serializeCommit(actions: readonly Action[]): Buffer {
  const wellFormed = (_key: string, value: unknown) =>
    typeof value === 'string' ? value.toWellFormed() : value;
  return Buffer.from(actions.map((action) => `${JSON.stringify(action, wellFormed)}\n`).join(''));
}

/**
 * The footer's key for the mark of the log entry that a checkpoint was made of. A checkpoint can outlive its entry when storage
 * goes back in time. If another entry then gets the same version, the mark shows that the checkpoint does not belong to it.
 */
export const markKey = 'tributary.mark';

/**
 * The mark of a log entry: a hash of its bytes. It stays the same when a store is restored from a backup, unlike ETags and times,
 * and it also works for entries of other writers.
 */
export const markOf = (bytes: Uint8Array): string =>
  createHash('sha256').update(bytes).digest('hex').slice(0, 32);

/**
 * Reads a commit file. Unknown actions are ignored, as the protocol asks.
 * @param where names table and version in errors
 * @throws `delta.invalid` naming the line
 */
export function parseCommit(bytes: Uint8Array, version: number, where: string): Commit {
  const commit: {
    version: number;
    mark: string;
    protocol?: Protocol;
    metaData?: Metadata;
    commitInfo?: CommitInfo;
    adds: Add[];
    removes: Remove[];
    txns: Txn[];
  } = { version, mark: markOf(bytes), adds: [], removes: [], txns: [] };
  const lines = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8').split('\n');
  lines.forEach((line, index) => {
    if (line.trim() === '') return;
    const at = `${where}, line ${index + 1}`;
    const action = parseJsonObject(line, at);
    if (action.add) commit.adds.push(checkAdd(action.add, at));
    else if (action.remove) commit.removes.push(checkRemove(action.remove, at));
    else if (action.txn) commit.txns.push(checkTxn(action.txn, at));
    else if (action.metaData) commit.metaData = checkMetadata(action.metaData, at);
    else if (action.protocol) commit.protocol = checkProtocol(action.protocol, at);
    else if (action.commitInfo) commit.commitInfo = action.commitInfo as CommitInfo;
  });
  return commit;
}

function parseJsonObject(line: string, at: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(line);
    if (typeof parsed === 'object' && parsed !== null) return parsed as Record<string, unknown>;
  } catch (cause) {
    throw new TributaryError('delta.invalid', `${at}: not JSON.`, { cause });
  }
  throw new TributaryError('delta.invalid', `${at}: not a JSON object.`);
}

/** Checks one action of a commit or a checkpoint. Throws `delta.invalid` saying `at` and what is wrong. */
export function checkAdd(raw: unknown, at: string): Add {
  const add = raw as Partial<Add>;
  expectThat(typeof add.path === 'string' && add.path !== '', at, 'add.path is not a text');
  expectThat(isCount(add.size), at, 'add.size is not a number of bytes');
  expectThat(
    add.stats === undefined || add.stats === null || typeof add.stats === 'string',
    at,
    'add.stats is not a text',
  );
  return (add.partitionValues ? add : { ...add, partitionValues: {} }) as Add;
}

export function checkRemove(raw: unknown, at: string): Remove {
  expectThat(typeof (raw as Partial<Remove>).path === 'string', at, 'remove.path is not a text');
  return raw as Remove;
}

export function checkTxn(raw: unknown, at: string): Txn {
  const txn = raw as Partial<Txn>;
  expectThat(typeof txn.appId === 'string', at, 'txn.appId is not a text');
  expectThat(Number.isSafeInteger(txn.version), at, 'txn.version is not an integer below 2^53');
  return txn as Txn;
}

export function checkMetadata(raw: unknown, at: string): Metadata {
  const metadata = raw as Partial<Metadata>;
  expectThat(typeof metadata.id === 'string', at, 'metaData.id is not a text');
  expectThat(typeof metadata.schemaString === 'string', at, 'metaData.schemaString is not a text');
  expectThat(Array.isArray(metadata.partitionColumns), at, 'metaData.partitionColumns is not a list');
  return { ...metadata, configuration: textsOf(metadata.configuration ?? {}, at) } as Metadata;
}

/**
 * The properties of a table, which are texts. If a writer left numbers or booleans there, they become texts, as Spark and delta-rs read
 * them. A property that is null counts as missing.
 */
function textsOf(configuration: unknown, at: string): Readonly<Record<string, string>> {
  const isMap = typeof configuration === 'object' && configuration !== null && !Array.isArray(configuration);
  expectThat(isMap, at, 'metaData.configuration is not an object');
  const texts = new Map<string, string>();
  for (const [name, value] of Object.entries(configuration as Readonly<Record<string, unknown>>)) {
    const isText = ['string', 'number', 'boolean'].includes(typeof value);
    expectThat(isText || value === null, at, `the table property ${JSON.stringify(name)} is not a text`);
    if (isText) texts.set(name, String(value));
  }
  return Object.fromEntries(texts);
}

export function checkProtocol(raw: unknown, at: string): Protocol {
  const { readerFeatures, writerFeatures, ...protocol } = raw as Partial<Protocol>;
  expectThat(isCount(protocol.minReaderVersion), at, 'protocol.minReaderVersion is not a number');
  expectThat(isCount(protocol.minWriterVersion), at, 'protocol.minWriterVersion is not a number');
  expectThat(isListOfNames(readerFeatures), at, 'protocol.readerFeatures is not a list of names');
  expectThat(isListOfNames(writerFeatures), at, 'protocol.writerFeatures is not a list of names');
  const [reader, writer] = [
    readerFeatures ?? (protocol.minReaderVersion === readerWithFeatures ? [] : undefined),
    writerFeatures ?? (protocol.minWriterVersion === writerWithFeatures ? [] : undefined),
  ];
  return {
    ...protocol,
    ...(reader && { readerFeatures: reader }),
    ...(writer && { writerFeatures: writer }),
  } as Protocol;
}

/**
 * The versions from which on a protocol has lists of features, even empty ones (PROTOCOL.md, "Table Features"). The columns of a checkpoint
 * do not distinguish an empty list from a missing one, and other readers refuse a checkpoint without a list.
 */
const [readerWithFeatures, writerWithFeatures] = [3, 7];

/** Whether a value is a list of names. A missing list counts as one, and so does null, which means the same. */
const isListOfNames = (list: unknown): boolean =>
  (list ?? undefined) === undefined ||
  (Array.isArray(list) && list.every((name) => typeof name === 'string'));

const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;

function expectThat(condition: boolean, at: string, problem: string): asserts condition {
  if (!condition) throw new TributaryError('delta.invalid', `${at}: ${problem}.`);
}
