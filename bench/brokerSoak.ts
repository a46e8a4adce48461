import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EventHubConsumerClient, EventHubProducerClient, latestEventPosition } from '@azure/event-hubs';
import { numberFlag, switchFlag } from '../src/cli/commandLine/arguments';
import { action, type Given } from '../src/cli/commandLine/command';
import { runCommand } from '../src/cli/commandLine/runCommand';
import { countFlag } from './numbers';
import { residentMebibytes } from './processUsage';

/**
 * Sends events to the broker at a fixed rate, reads them all, and prints the broker's memory every 10 seconds. Fails
 * if the reader did not get all accepted events.
 *
 *     npm run bench -- brokerSoak [--seconds 60] [--rate 20000] [--port 5679] [--memory]
 *
 * --memory keeps the events in memory instead of a log on disk; then memory grows with every event.
 */
const flags = {
  seconds: countFlag('how long', 60),
  rate: countFlag('events/s', 20_000),
  port: numberFlag({ meaning: 'of the broker', fallback: 5679, least: 1, most: 65_535, whole: true }),
  memory: switchFlag('keep the events in memory instead of a log on disk'),
};

const batch = 500;
const oneBody = {
  session_id: 'a'.repeat(32),
  product_id: 'P12345',
  category: 'electronics',
  price: 12.5,
  ts: '2024-01-01T00:00:00Z',
};

async function main({ seconds, rate, port, memory }: Given<typeof flags>): Promise<number> {
  const dir = mkdtempSync(join(tmpdir(), 'broker-soak-'));
  const broker = await startBroker(port, memory ? undefined : dir);
  try {
    await soak(broker, `127.0.0.1:${port}`, seconds, rate);
    return 0;
  } finally {
    broker.kill('SIGTERM');
    rmSync(dir, { recursive: true, force: true });
  }
}

async function startBroker(port: number, dataDir: string | undefined): Promise<ChildProcess> {
  const script = join(__dirname, '..', 'local', 'broker', 'main.js');
  const args = [
    script,
    '--port',
    String(port),
    '--health-port',
    '0',
    ...(dataDir ? ['--data', dataDir] : []),
  ];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => resolve());
    child.once('exit', () => reject(new Error('the broker did not start')));
  });
  return child;
}

async function soak(broker: ChildProcess, address: string, seconds: number, rate: number): Promise<void> {
  const connection = `Endpoint=sb://${address};SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true;EntityPath=clickstream`;
  const producer = new EventHubProducerClient(connection);
  const consumer = new EventHubConsumerClient('$Default', connection);
  let sent = 0;
  let received = 0;
  const subscription = consumer.subscribe(
    {
      processEvents: async (events) => {
        received += events.length;
      },
      processError: async (error) => console.error(error.message),
    },
    { startPosition: latestEventPosition, maxBatchSize: 1000, skipParsingBodyAsJson: true },
  );
  await sleep(3000);

  const start = Date.now();
  const elapsed = (): number => (Date.now() - start) / 1000;
  const report = (): void =>
    console.log(
      `${elapsed().toFixed(0).padStart(4)} s  sent ${sent}  received ${received}  broker ${residentMebibytes(broker.pid ?? 0).toFixed(0)} MiB`,
    );
  report();
  const timer = setInterval(report, 10_000);
  while (elapsed() < seconds) {
    if (sent > elapsed() * rate) {
      await sleep(5);
      continue;
    }
    await producer.sendBatch(Array.from({ length: batch }, () => ({ body: oneBody })));
    sent += batch;
  }
  const took = elapsed();
  for (let waited = 0; received < sent && waited < 100; waited += 1) {
    await sleep(100);
  }
  clearInterval(timer);
  report();
  console.log(`${Math.round(sent / took)} events/s sent and accepted`);
  await subscription.close();
  await consumer.close();
  await producer.close();
  if (received !== sent) throw new Error(`sent ${sent}, received ${received}`);
}

runCommand({
  call: 'npm run bench -- brokerSoak',
  does: action({ meaning: 'The Event Hubs broker under load for a long time.', flags, run: main }),
});
