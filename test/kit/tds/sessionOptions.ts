import type { EngineOptions } from './engine';
import { SqlError } from './syntax';

/** Isolation levels by their number in a transaction request of TDS. */
const isolationLevels = [
  'NO CHANGE',
  'READ UNCOMMITTED',
  'READ COMMITTED',
  'REPEATABLE READ',
  'SERIALIZABLE',
  'SNAPSHOT',
];

/** Options that are accepted and change nothing here. */
const inert =
  /^(?:ANSI_\w+|ARITHABORT|CONCAT_NULL_YIELDS_NULL|CURSOR_CLOSE_ON_COMMIT|NUMERIC_ROUNDABORT|QUOTED_IDENTIFIER) (?:ON|OFF)$|^(?:DATEFIRST|TEXTSIZE) -? ?\d+$|^LANGUAGE \w+$|^IMPLICIT_TRANSACTIONS OFF$/;

/**
 * The SET options of one connection. As in a real server they stay as they are when a batch ends. Only a reset of the connection sets them
 * back to what they were at the login.
 */
export class SessionOptions {
  readonly #isPool: boolean;
  readonly #noCountAtLogin: boolean;
  noCount = false;
  xactAbort = false;
  isolation = 'READ COMMITTED';
  /** In milliseconds; -1 waits for ever. */
  lockTimeout = -1;
  dateFormat = 'MDY';

  constructor({ dialect, noCount = false }: EngineOptions) {
    this.#isPool = dialect === 'pool';
    this.#noCountAtLogin = noCount;
    this.reset();
  }

  reset(): void {
    this.noCount = this.#noCountAtLogin;
    // A dedicated pool always works so: an error in a transaction ends the transaction.
    this.xactAbort = this.#isPool;
    this.isolation = this.#isPool ? 'READ UNCOMMITTED' : 'READ COMMITTED';
    this.lockTimeout = -1;
    this.dateFormat = 'MDY';
  }

  /** Runs `SET` with these words, which are in capitals. */
  set(words: readonly string[]): void {
    const text = words.join(' ');
    const [, name, value] = /^(NOCOUNT|XACT_ABORT) (ON|OFF)$/.exec(text) ?? [];
    const isolation = /^TRANSACTION ISOLATION LEVEL (.*)$/.exec(text)?.[1];
    const lockTimeout = /^LOCK_TIMEOUT (- ?)?(\d+)$/.exec(text);
    const dateFormat = /^DATEFORMAT (\w+)$/.exec(text)?.[1];
    if (name === 'NOCOUNT') this.noCount = value === 'ON';
    else if (name === 'XACT_ABORT') this.xactAbort = value === 'ON' || this.#isPool;
    else if (isolation !== undefined) this.#setIsolation(isolation);
    else if (lockTimeout) this.lockTimeout = Number(lockTimeout[2]) * (lockTimeout[1] ? -1 : 1);
    else if (dateFormat !== undefined) this.#setDateFormat(dateFormat);
    else if (!inert.test(text)) throw new SqlError(195, `'${text}' is not a recognized SET option.`);
  }

  /** Begins a transaction with the isolation level of this number. The session keeps the level afterwards. */
  beginAt(level: number): void {
    const name = isolationLevels[level];
    if (level !== 0 && name !== undefined) this.#setIsolation(name);
  }

  #setIsolation(level: string): void {
    if (!isolationLevels.includes(level)) throw new SqlError(102, `Incorrect syntax near '${level}'.`);
    if (this.#isPool && level !== 'READ UNCOMMITTED')
      throw new SqlError(104485, `Transaction isolation level ${level} is not supported.`);
    this.isolation = level;
  }

  #setDateFormat(format: string): void {
    if (!['MDY', 'DMY', 'YMD', 'YDM', 'MYD', 'DYM'].includes(format))
      throw new SqlError(2741, `SET DATEFORMAT date order '${format}' is invalid.`);
    this.dateFormat = format;
  }
}
