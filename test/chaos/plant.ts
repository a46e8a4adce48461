import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { appDir } from '../../local/processes';

export interface PlantedFault {
  readonly file: string;
  /** It is in the file exactly once. */
  readonly text: string;
  readonly replacement: string;
}

/** Builds with a mistake that the chaos run must find. */
export const plantedFaults: Readonly<Record<string, PlantedFault>> = {
  /** Treats every redelivered event as new. */
  'skip-trimming': {
    file: 'dist/src/lib/ingest/round.js',
    text: 'if (event.sequenceNumber <= last) {',
    replacement: 'if (false) {',
  },
  /** Treats every answer "it exists already" as a lost reply to its own write, without reading the entry. */
  'trust-409': {
    file: 'dist/src/lib/delta/commit.js',
    text: 'return winner?.commitInfo?.txnId === txnId ? ours : undefined;',
    replacement: 'return ours;',
  },
  /** Repeats a lost commit even if the winner has committed the same events. */
  'ignore-rivals': {
    file: 'dist/src/lib/delta/commit.js',
    text: 'return touches(rival, txns);',
    replacement: 'return false;',
  },
  /** Trusts the state that this process remembers, even if a batch does not follow on it. */
  'trust-memory': {
    file: 'dist/src/lib/ingest/tableWriter.js',
    text: 'return (0, admitBatch_1.allFollowOn)(batches, state.txns) ? state : rows.refresh();',
    replacement: 'return state;',
  },
  /** Trusts the state from before storage went back in time. */
  'trust-state': {
    file: 'dist/src/lib/delta/tableAppender.js',
    text: '() => looking',
    replacement: '() => true',
  },
  /** Continues loading after a version number, even if another commit has that number now. */
  'no-mark': {
    file: 'dist/src/lib/warehouse/ledgerPosition.js',
    text: 'mark: isOfVersion ? mark : undefined',
    replacement: 'mark: undefined',
  },
  /** Drops old buckets of the counts by this host's clock, and not by the store's. */
  'own-clock': {
    file: 'dist/src/lib/counts/countLiveFiles.js',
    text: 'storedAt ?? now()',
    replacement: 'now()',
  },
  /** Believes the sequence numbers that a sender writes beside an event. */
  'trust-sender': {
    file: 'dist/src/lib/ingest/triggerBatch.js',
    text: 'const sequenceNumbers = parsed(triggerMetadata?.sequenceNumberArray);',
    replacement:
      'const sequenceNumbers = parsed(triggerMetadata?.sequenceNumberArray).map((own, at) => triggerMetadata.systemPropertiesArray?.[at]?.sequenceNumber ?? own);',
  },
  /** Takes each price for the newest one, also one that comes late. */
  'late-prices': {
    file: 'dist/src/lib/latest/newestRows.js',
    text: 'return time > knownTime;',
    replacement: 'return true;',
  },
  /** Has a rebuilt table take the place of the old one before it has all rows of it. */
  'swap-early': {
    file: 'dist/src/lib/warehouse/rebuild.js',
    text: 'return (0, fillShadow_1.followLog)({ ...follow, until: own });',
    replacement: "return { step: 'done' };",
  },
  /** Loads rows into the warehouse even if another load has moved the ledger's row. */
  'skip-fence': {
    file: 'dist/src/lib/warehouse/synapse/loadStatements.js',
    text: 'IF @won = 1 BEGIN',
    replacement: 'IF @won >= 0 BEGIN',
  },
};

/**
 * Makes a copy of the compiled app with a planted fault, and runs this command with it. Resolves to its exit code.
 * @throws if the code that the fault replaces is not there (any more)
 */
export async function runPlanted(name: string, args: readonly string[]): Promise<number> {
  const fault = plantedFaults[name];
  if (!fault)
    throw new Error(`There is no fault ${name}: expected ${Object.keys(plantedFaults).join(' or ')}.`);
  const folder = mkdtempSync(join(tmpdir(), 'tributary-planted-'));
  try {
    for (const path of ['dist', 'host.json', 'package.json', 'local.settings.sample.json'])
      cpSync(join(appDir, path), join(folder, path), { recursive: true });
    mkdirSync(join(folder, 'local/broker'), { recursive: true });
    cpSync(join(appDir, 'local/broker/config.json'), join(folder, 'local/broker/config.json'));
    // The names of the functions are read there.
    cpSync(join(appDir, 'src/functions'), join(folder, 'src/functions'), { recursive: true });
    symlinkSync(join(appDir, 'node_modules'), join(folder, 'node_modules'));
    plant(join(folder, fault.file), fault);
    const child = spawn(process.execPath, [join(folder, 'dist/test/chaos/main.js'), ...args], {
      cwd: folder,
      stdio: 'inherit',
    });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
    return await new Promise((resolve) => child.once('close', (code) => resolve(code ?? 1)));
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 });
  }
}

/** Replaces the fault's text in a file, where it must be exactly once. */
export function plant(path: string, { text, replacement }: PlantedFault): void {
  const source = readFileSync(path, 'utf8');
  const parts = source.split(text);
  if (parts.length !== 2)
    throw new Error(`${path} holds ${JSON.stringify(text)} ${parts.length - 1} times; expected once.`);
  writeFileSync(path, parts.join(replacement));
}
