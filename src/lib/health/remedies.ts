import type { IngestFailure } from '../ingest/ingestFailure';
import type { Stream } from '../streams/stream';

/** A command that repairs something. */
export interface Remedy {
  readonly command: string;
  /** True if the app must be stopped before the command and started after it. */
  readonly stopApp: boolean;
}

/** The command after which a hub is read from its beginning: what the table has already is trimmed. */
export const resetRemedy = (stream: string): Remedy => ({
  command: `npm run checkpoints -- reset ${stream}`,
  stopApp: true,
});

/** The command for a stream whose batches fail; undefined if no single command helps. */
export function ingestRemedy(
  { code, table: broken }: Pick<IngestFailure, 'code' | 'table'>,
  { name, table }: Pick<Stream, 'name' | 'table'>,
): Remedy | undefined {
  if (code === 'ingest.gap') return resetRemedy(name);
  if (code === 'delta.hole') return { command: `npm run table -- repair ${broken ?? table}`, stopApp: true };
  return undefined;
}

/** The command for a partition to which no batch comes although events wait. Usually the trigger cannot read one of them. */
export const stuckRemedy = (stream: string, partitionId: string): Remedy => ({
  command: `npm run checkpoints -- skip ${stream} ${partitionId}`,
  stopApp: true,
});

/** The command for a table of the warehouse that can no longer follow its Delta table. */
export const rebuildRemedy = (warehouseTable: string): Remedy => ({
  command: `npm run warehouse -- rebuild ${warehouseTable}`,
  stopApp: false,
});

/** The command that adds missing columns, of the ledger or of a table. It needs a login that may alter them. */
export const columnsRemedy: Remedy = { command: 'npm run warehouse -- init', stopApp: false };
