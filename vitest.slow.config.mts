import { defineConfig } from 'vitest/config';

/** Tests that take minutes, in four projects: `npm run test:e2e`, `test:browser`, `test:interop` and `test:spark`. */
export default defineConfig({
  test: {
    // Python's writer alone takes half a minute for its 200 commits, on a quiet machine.
    testTimeout: 300_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    projects: [
      // Whole systems, in processes that are killed.
      { extends: true, test: { name: 'e2e', include: ['test/**/*.e2e.ts'] } },
      // The dashboard in Chromium.
      { extends: true, test: { name: 'browser', include: ['test/browser/**/*.browser.ts'] } },
      // Beside Python's software.
      { extends: true, test: { name: 'interop', include: ['test/interop/**/*.interop.ts'] } },
      // Beside Spark, which fetches its jars on its first start.
      { extends: true, test: { name: 'spark', include: ['test/spark/**/*.spark.ts'], testTimeout: 1_800_000, hookTimeout: 900_000 } },
    ],
  },
});
