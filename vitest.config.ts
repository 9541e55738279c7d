import { defineConfig } from 'vitest/config';

const EVERYWHERE = ['**/node_modules/**', '**/dist/**'];
const BOUNDARIES = 'tests/boundaries.test.ts';
const E2E = 'tests/e2e/**/*.test.ts';

/** Three projects that `npm test` runs as its own steps; plain `vitest run` runs them all, the end-to-end tests last and alone. */
export default defineConfig({
  test: {
    projects: [
      { test: { name: 'boundaries', include: [BOUNDARIES], pool: 'forks', maxWorkers: 2, testTimeout: 30_000 } },
      {
        test: {
          name: 'unit',
          include: ['**/*.test.ts', 'scripts/**/*.test.mjs'],
          exclude: [...EVERYWHERE, BOUNDARIES, E2E],
          pool: 'forks',
          maxWorkers: 2,
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: [E2E],
          exclude: EVERYWHERE,
          pool: 'forks',
          maxWorkers: 1,
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 120_000,
          globalSetup: ['scripts/e2e-setup.mjs'],
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
