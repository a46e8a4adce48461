import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // The tests run real servers: with more workers than cores these look broken.
    maxWorkers: 2,
  },
});
