import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // A tool that runs the tests in a slower way gives them more time.
    testTimeout: Number(process.env.TEST_TIMEOUT_MS ?? 30_000),
    hookTimeout: 60_000,
    // The tests run real servers: with more workers than cores these look broken. All tests of a real database use the same tables.
    maxWorkers: process.env.SYNAPSE_TEST_CONNECTION ? 1 : 2,
  },
});
