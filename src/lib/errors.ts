/**
 * Every error that this project throws on purpose, by code. `retriable` says whether the same call may succeed later although nobody has
 * changed anything. The ingest function leaves every error, retriable or not, to the trigger's retry policy. docs/errors.md has a section
 * for each code, with the sentence that stands above it here, its cause and its remedy.
 */
export const errorCodes = {
  /** A setting is missing or malformed. */
  'settings.invalid': { retriable: false },
  /** Storage did not answer, or answered 429 or 5xx, until the attempts ran out. */
  'storage.unavailable': { retriable: true },
  /** Storage refused the request: access denied, no such container. */
  'storage.refused': { retriable: false },
  /** A value does not fit the column it was meant for. */
  'parquet.value': { retriable: false },
  /** A Parquet file is damaged, or uses a feature that we cannot read. */
  'parquet.invalid': { retriable: false },
  /** The Delta log is damaged: malformed action, missing version, path outside the table. */
  'delta.invalid': { retriable: false },
  /** The Delta log has entries that were not built on the entries before them: storage went back in time under a writer. */
  'delta.hole': { retriable: false },
  /** The table uses a protocol feature that this project does not implement. */
  'delta.unsupported': { retriable: false },
  /** The table's schema cannot take these rows. */
  'delta.schema': { retriable: false },
  /** No commit went through within the time allowed. */
  'delta.contention': { retriable: true },
  /** A batch leaves out events that the hub still has, before its first one or between its events. */
  'ingest.gap': { retriable: true },
  /** The hub is one that the table knows under another name of its namespace. */
  'ingest.renamed': { retriable: false },
  /** A batch does not have the form that the Event Hubs trigger promises. */
  'ingest.batch': { retriable: true },
  /** A source's answer does not have the form that its documentation describes. */
  'source.answer': { retriable: true },
  /** A source did not answer in time, or had an internal error. */
  'source.unavailable': { retriable: true },
  /** A source refuses our requests: wrong key, wrong address, a version that is shut down. */
  'source.refused': { retriable: false },
  /** The event hub did not answer, or did not accept all events. */
  'hub.unavailable': { retriable: true },
  /** The event hub refuses us: no such hub or partition, no right to send or to listen. */
  'hub.refused': { retriable: false },
  /** An event is larger than the event hub accepts. */
  'hub.oversize': { retriable: false },
  /** The warehouse did not answer, is paused or overloaded, or the connection broke. */
  'warehouse.unavailable': { retriable: true },
  /** The warehouse refuses us: wrong credentials, a missing table, a statement that it does not accept. */
  'warehouse.refused': { retriable: false },
  /** A table of the warehouse lacks a column that its stream has gained, or keeps text in a code page that changes letters. */
  'warehouse.schema': { retriable: false },
  /** The warehouse's ledger contradicts itself: a table has two rows in it. */
  'warehouse.ledger': { retriable: false },
} as const satisfies Record<string, { retriable: boolean }>;

export type ErrorCode = keyof typeof errorCodes;

export class TributaryError extends Error {
  readonly code: ErrorCode;
  readonly retriable: boolean;
  /** The Delta table that has to be repaired by a command; set for `delta.hole`. */
  readonly table: string | undefined;
  /**
   * What the table needs, and how that is turned off. Anybody may read it: it has no path and no name of a store. Set for
   * `delta.unsupported`.
   */
  readonly refusal: string | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options?: { cause?: unknown; table?: string; refusal?: string },
  ) {
    super(message, options);
    this.table = options?.table;
    this.refusal = options?.refusal;
    this.name = 'TributaryError';
    this.code = code;
    this.retriable = errorCodes[code].retriable;
  }
}

/** True when stored data is wrong, not when the store is unreachable. */
export const isDamage = (error: unknown): error is TributaryError =>
  error instanceof TributaryError && damage.includes(error.code);

const damage: readonly ErrorCode[] = ['parquet.invalid', 'delta.invalid', 'delta.hole'];

/** The facts about an error for a log line, whatever was thrown. An error that is not ours counts as retriable. */
export function describeFailure(error: unknown): {
  code: ErrorCode | 'unknown';
  retriable: boolean;
  message: string;
} {
  if (error instanceof TributaryError) {
    const { code, retriable, message } = error;
    return { code, retriable, message };
  }
  return {
    code: 'unknown',
    retriable: true,
    message: error instanceof Error ? error.message : String(error),
  };
}
