import { defineConfig } from 'vite';
import { BROWSERS } from '../../scripts/browsers.mjs';

/**
 * The server gives `index.html` for every path under `/mymentee/`, files named by their hash under `/mymentee/assets/`, and
 * the worker at `/mymentee/sw.js`, whose place decides what it may serve.
 */
export default defineConfig({
  base: '/mymentee/',
  build: {
    outDir: 'dist',
    assetsDir: 'assets',
    // The page's policy allows no inline data for fonts and scripts; and what is named by its hash is fetched once.
    assetsInlineLimit: 0,
    target: BROWSERS,
    modulePreload: { polyfill: false },
    // The engines are large by nature; `scripts/size.mjs` holds the budgets.
    chunkSizeWarningLimit: 800,
    rolldownOptions: {
      // The worker is the same for every app: what it keeps is told after the build, and where it stands it sees itself.
      input: { index: 'index.html', sw: '../mymentor/src/sw.ts' },
      output: { entryFileNames: (chunk) => (chunk.name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js') },
    },
  },
});
