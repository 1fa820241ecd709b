import { defineConfig } from 'vite';
import { BROWSERS } from '../../scripts/browsers.mjs';

/**
 * The server gives `index.html` for every path under `/mymentor/`, files named by their hash under `/mymentor/assets/`, and
 * the worker at `/mymentor/sw.js`, whose place decides what it may serve.
 */
export default defineConfig({
  base: '/mymentor/',
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
      input: { index: 'index.html', sw: 'src/sw.ts' },
      output: { entryFileNames: (chunk) => (chunk.name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js') },
    },
  },
});
