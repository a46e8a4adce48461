import type { IngestFailure } from '../ingest/ingestFailure';
import type { Stream } from '../streams/stream';

/** A command that mends what is wrong. */
export interface Remedy {
  readonly command: string;
  /** The app must be stopped before, and started afterwards. */
  readonly stopApp: boolean;
}

/** What mends a stream whose batches fail, where one command does. */
export function ingestRemedy(
  { code, table: broken }: Pick<IngestFailure, 'code' | 'table'>,
  { name, table }: Pick<Stream, 'name' | 'table'>,
): Remedy | undefined {
  if (code === 'ingest.gap') return { command: `npm run checkpoints -- reset ${name}`, stopApp: true };
  if (code === 'delta.hole') return { command: `npm run table -- repair ${broken ?? table}`, stopApp: true };
  return undefined;
}

/** What mends a table of the warehouse that cannot follow its Delta table any more. */
export const rebuildRemedy = (warehouseTable: string): Remedy => ({
  command: `npm run warehouse -- rebuild ${warehouseTable}`,
  stopApp: false,
});

/** What gives the ledger the columns that it lacks; to be run by somebody who may change its table. */
export const marksRemedy: Remedy = { command: 'npm run warehouse -- init', stopApp: false };
