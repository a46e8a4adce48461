import type { Counted, Reply } from './api.js';
import type { Parts } from './parts.js';

/** A file that a reader can take away. */
export interface ShownFile {
  /** Without its ending. */
  readonly name: string;
  readonly make: (key: string) => Promise<string> | string;
}

/** What a view asks of the API, and where the answers are shown. */
export interface Screen {
  /** Asks for what tells whether there is something to show, and when it was committed. */
  first(key: string): Promise<Reply<Counted>>;
  /** Everything else. */
  readonly parts: Parts;
  /** Shows what changes with the clock. @param nowMs the server's clock */
  tick(nowMs: number): void;
  /** By the id of the button that saves it. */
  readonly files: Readonly<Record<string, ShownFile>>;
}
