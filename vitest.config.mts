import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // A tool that runs the tests in a slower way gives them more time.
    testTimeout: Number(process.env.TEST_TIMEOUT_MS ?? 30_000),
    hookTimeout: 60_000,
    // On two cores, because a third of the time a test waits for processes that it has started. With many more workers than cores,
    // real servers look broken. All tests of a real database use the same tables.
    maxWorkers: process.env.SYNAPSE_TEST_CONNECTION ? 1 : 3,
    projects: [
      // Loading the packages anew for each of these files would take as long as a third of their tests.
      {
        extends: true,
        test: { name: 'lib', include: ['test/lib/**/*.test.ts'], exclude: ['test/lib/app/**'], isolate: false },
      },
      // Some keep what they opened as long as their process runs: the parts of the app, and whole hosts.
      {
        extends: true,
        test: {
          name: 'others',
          include: ['test/**/*.test.ts'],
          exclude: ['test/lib/!(app)/**', 'test/lib/*.test.ts'],
        },
      },
    ],
  },
});
