import { type CountsVerification, verifyCounts } from '../lib/counts/verifyCounts';
import { openAzureBlobStore } from '../lib/storage/azureBlobStore';
import { type PartitionReport, problemsOf } from '../lib/verify/partitionAudit';
import { verifyStream } from '../lib/verify/verifyStream';
import { readAppSettings, settingsFlag } from './appSettings';
import { describeFlags, readFlags, runCommand } from './commandLine';
import { readStream } from './streamArgument';

/*
 * `npm run verify -- <stream>`: proves from the tables that each event is there, and once, and that what is counted of them is
 * what an instance would serve. Exit code 1 when that is not so.
 */

const usage = `npm run verify -- <stream> [options]\n${describeFlags(settingsFlag)}`;

runCommand(usage, async (args) => {
  const [name, ...rest] = args;
  const stream = await readStream(name);
  const settings = readAppSettings(readFlags(settingsFlag, rest).settings);
  const store = await openAzureBlobStore(settings.lake, settings.lakeContainer);
  const report = await verifyStream({ store, stream });
  if (!report) {
    console.error(`${store.name} has no table ${stream.table}: nothing was ingested yet.`);
    return 1;
  }
  for (const partition of report.partitions) console.log(describePartition(partition));
  const { partitions, version, files } = report;
  const total = (what: 'rows' | 'letters' | 'neverCame') =>
    count(partitions.reduce((sum, partition) => sum + partition[what], 0));
  const bad = partitions.filter((partition) => problemsOf(partition).length > 0).length;
  console.log(
    `${stream.table} version ${version}, ${count(files)} files: ${total('rows')} rows, ${total('letters')} dead letters, ` +
      `${total('neverCame')} events that never came.`,
  );
  console.log(
    bad === 0 ? 'Each event is there once.' : `${bad} of ${partitions.length} partitions are not right.`,
  );
  const { counted, table } = stream;
  const counts = counted && (await verifyCounts({ at: { store, table }, counted }));
  if (counts) console.log(describeCounts(counts));
  return bad === 0 && !counts?.different ? 0 : 1;
});

function describeCounts({ version, cachedVersion, total, different, examples }: CountsVerification): string {
  const cache =
    cachedVersion === undefined ? 'no cached state' : `the cached state of version ${cachedVersion}`;
  if (different === 0) return `The counts of version ${version} are right: ${count(total)}, with ${cache}.`;
  return [
    `The counts of version ${version} are wrong for ${count(different)} keys, with ${cache}:`,
    ...examples.map(
      ({ key, served, live }) => `  ${key}: ${count(served)} counted, ${count(live)} in the files`,
    ),
    ...(different > examples.length ? ['  …'] : []),
  ].join('\n');
}

function describePartition(report: PartitionReport): string {
  const { hubCreatedAt, partition, first, committed, rows, letters } = report;
  const { gaps, duplicates, torn, misplaced } = report;
  const problems = problemsOf(report);
  const lines = [
    `partition ${partition} of the hub made ${new Date(hubCreatedAt / 1000).toISOString()}: ` +
      `${first ?? 'nothing'} to ${committed ?? '?'}, ${count(rows)} rows, ${count(letters)} dead letters: ` +
      (problems.length === 0 ? 'complete' : problems.join(', ')),
    ...gaps.examples.map((gap) => `  missing     ${gap.first} to ${gap.last}`),
    ...duplicates.examples.map(({ sequence, element }) => `  duplicate   ${sequence} element ${element}`),
    ...torn.examples.map((sequence) => `  incomplete  ${sequence}`),
    ...misplaced.examples.map((sequence) => `  of another hub  ${sequence}`),
  ];
  if ([gaps, duplicates, torn, misplaced].some((tally) => tally.count > tally.examples.length))
    lines.push('  …');
  return lines.join('\n');
}

const count = (value: number) => value.toLocaleString('en-US');
