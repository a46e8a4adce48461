import { defineConfig } from 'vitest/config';

/** Against Python's deltalake: `npm run test:interop`, which makes the environment first. */
export default defineConfig({
  test: {
    include: ['test/interop/**/*.interop.ts'],
    // Python's writer alone takes half a minute for its 200 commits, on a quiet machine.
    testTimeout: 300_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
  },
});
