import type { Counted, Reply } from './api.js';
import type { Parts } from './parts.js';

/** A file that a reader can download. */
export interface ShownFile {
  /** Without its ending. */
  readonly name: string;
  readonly make: (key: string) => Promise<string> | string;
}

/** A screen asks the API for what a view needs, and shows the answers. */
export interface Screen {
  /** Asks the first question of each round. Its answer tells whether there is anything to show, and when it was committed. */
  first(key: string): Promise<Reply<Counted>>;
  /** All other questions. */
  readonly parts: Parts;
  /** Shows what changes with the clock. @param nowMs the server's clock */
  tick(nowMs: number): void;
  /** The files that can be downloaded, by the ids of their buttons. */
  readonly files: Readonly<Record<string, ShownFile>>;
}
