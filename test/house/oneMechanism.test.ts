import { existsSync, globSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

/*
 * Some things are done in one place only. Code elsewhere must call that place instead of doing the same in its own way.
 */

const mechanisms = [
  {
    what: 'a command line is read by src/cli/commandLine, so that every command refuses a wrong one alike',
    again: /\bparseArgs\b/,
    folders: 'src,local,bench,test',
    places: [],
  },
  {
    what: 'the words of a command are taken in src/cli/commandLine, and by programs that other programs start',
    again: /\bprocess\.argv\b/,
    folders: 'src,local',
    places: [
      'local/broker/main.ts',
      'local/coincap/main.ts',
      'local/host/main.ts',
      'src/cli/commandLine/runCommand.ts',
    ],
  },
  {
    what: 'a server listens on loopback through listenOnLoopback, and a port in use is told in its words',
    again: /\.listen\((?!\))|code === 'EADDRINUSE'/,
    folders: 'src,local,bench,test',
    // The AMQP library makes its server itself, and a test starts one in a program of its own. Tests of the dashboard listen to a page.
    places: [
      'src/lib/sameMachine.ts',
      'local/broker/amqpServer.ts',
      'test/browser/assetNumbers.browser.ts',
      'test/browser/numbers.browser.ts',
      'test/cli/runCommand.test.ts',
      'test/lib/sameMachine.test.ts',
    ],
  },
  {
    what: 'the lengths of a minute, an hour and a day are those of src/lib/duration.ts',
    again: /\b(minute|hour|day)Ms = \d/,
    folders: 'src,local,bench,test',
    places: ['src/lib/duration.ts'],
  },
  {
    what: 'a number of milliseconds is written with minuteMs, hourMs or dayMs, but in the scripts of the dashboard, which cannot load them',
    again: /\b(60_?000|3_?600_?000|86_?400_?000|60 \* 1_?000|1_?000 \* 60)n?\b/,
    folders: 'src',
    places: [
      'src/lib/dashboard/browser/choices.ts',
      'src/lib/dashboard/browser/clicksScreen.ts',
      'src/lib/dashboard/browser/rate.ts',
      'src/lib/duration.ts',
    ],
  },
  {
    what: 'a part of a connection string is found by src/lib/connectionParts.ts',
    again: /new RegExp\(.*\$\{name\}=|\b(BlobEndpoint|Endpoint)=\(\[/,
    folders: 'src,local,bench',
    places: [],
  },
  {
    what: 'a pause that a signal ends is pauseFor of src/lib/pauseFor.ts',
    again: /\{ signal(: [\w.#]+)? \}\)\s*\.catch\(\(\) => (\{\}|undefined)\)/,
    folders: 'src,local,bench',
    places: ['src/lib/pauseFor.ts'],
  },
  {
    what: 'the longest time that something may take is called limitMs',
    again: /\b(deadlineMs|timeLimitMs)\b/,
    folders: 'src,local,bench,test',
    places: [],
  },
  {
    what: 'one run for all who ask meanwhile is SharedRun of src/lib/sharedRun.ts',
    again: /\?\?= [^;{}]*\.finally\(/,
    folders: 'src,local,bench',
    places: ['src/lib/sharedRun.ts'],
  },
  {
    what: 'waits between tries double in src/lib/backoff.ts',
    again: /\* 2 \*\* .*(fail|lost|refus|retr|attempt|tries)/i,
    folders: 'src,local,bench',
    // A commit's waits are spread from zero on, the browser loads the files of its own folder alone, and the host waits as Azure's documents say.
    places: [
      'src/lib/backoff.ts',
      'src/lib/delta/commit.ts',
      'src/lib/dashboard/browser/poller.ts',
      'local/host/retryPolicy.ts',
    ],
  },
];

it.each(mechanisms)('$what', ({ again, folders, places }) => {
  const files = globSync(
    folders.split(',').map((folder) => `${folder}/**/*.ts`),
    { exclude: ['test/house/**'] },
  );
  expect(files.length).toBeGreaterThan(100);
  const found = files.filter((path) => again.test(readFileSync(path, 'utf8')));
  // The simulator of CoinCap may be gone, as docs/add-a-stream.md allows.
  const there = places.filter((path) => existsSync(path));
  expect(found.map((path) => path.replaceAll('\\', '/')).toSorted()).toEqual(there.toSorted());
});
