import { defineConfig } from 'vite';
import { BROWSERS } from '../../scripts/browsers.mjs';

/** The server gives `index.html` at `/watch/{app}/{name}` and everything else, named by its hash, under `/assets/`. */
export default defineConfig({
  base: '/',
  build: {
    outDir: 'dist',
    assetsDir: 'assets',
    // The page's policy allows no inline data for fonts and scripts; and what is named by its hash is fetched once.
    assetsInlineLimit: 0,
    target: BROWSERS,
    modulePreload: { polyfill: false },
    // The engines are large by nature; `scripts/size.mjs` holds the budgets.
    chunkSizeWarningLimit: 800,
  },
});
