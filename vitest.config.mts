import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // A tool that runs the tests in a slower way gives them more time.
    testTimeout: Number(process.env.TEST_TIMEOUT_MS ?? 30_000),
    hookTimeout: 60_000,
    // The tests run real servers: with more workers than cores these look broken. All tests of a real database use the same tables.
    maxWorkers: process.env.SYNAPSE_TEST_CONNECTION ? 1 : 2,
    projects: [
      // Loading the packages anew for each of their files would take as long as a third of these tests.
      { extends: true, test: { name: 'lib', include: ['test/lib/**/*.test.ts'], isolate: false } },
      // Some run whole hosts in the process, with functions that are registered once.
      { extends: true, test: { name: 'others', include: ['test/**/*.test.ts'], exclude: ['test/lib/**', 'node_modules/**'] } },
    ],
  },
});
