import { defineConfig } from 'vitest/config';

/** Everything is tested without a browser; what needs one is in `e2e/`. */
export default defineConfig({
  test: { include: ['packages/*/test/**/*.test.ts', 'apps/*/test/**/*.test.ts', 'e2e/{floor,sync,verdict}.test.mjs'], environment: 'node' },
});
