/**
 * Icons of an app for home screens, drawn from its SVG by Chromium: `node scripts/icons.mjs apps/mymentor [GROUND] [PETALS]`.
 *
 * Reads `src/icon.svg` and writes into `public/`. The results are committed, so that a build needs no browser.
 */

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { launch } from '../e2e/browser.mjs';

const [app, ground = '#1b2050', petals = '#f2b45c'] = process.argv.slice(2);
if (app === undefined) throw new Error('usage: node icons.mjs APP [GROUND] [PETALS]');

/** Colours of the SVG as it is on light pages. */
const PETALS = '#b9772f';

/**
 * `share` is the part of the side that the flower takes: launchers cut maskable icons down to their inner 80 %.
 * A badge is a silhouette: its colours are the system's.
 */
const ICONS = [
  { name: 'icon-192.png', side: 192, share: 0.98, radius: 0.22, ground, petals },
  { name: 'icon-512.png', side: 512, share: 0.98, radius: 0.22, ground, petals },
  { name: 'maskable-512.png', side: 512, share: 0.72, radius: 0, ground, petals },
  { name: 'badge-96.png', side: 96, share: 1, radius: 0, ground: 'transparent', petals: '#fff' },
];

const svg = await readFile(join(app, 'src/icon.svg'), 'utf8');
const folder = join(app, 'public');
await mkdir(folder, { recursive: true });
const browser = await launch();
try {
  for (const icon of ICONS) {
    const page = await browser.newPage({ viewport: { width: icon.side, height: icon.side } });
    const drawn = svg.replaceAll(PETALS, icon.petals).replace('<svg ', `<svg width="${icon.share * 100}%" height="${icon.share * 100}%" `);
    const style = `display:grid;place-items:center;inline-size:100vw;block-size:100vh;background:${icon.ground};border-radius:${icon.radius * 100}%`;
    await page.setContent(`<body style="margin:0;background:transparent"><div style="${style}">${drawn}</div>`);
    await writeFile(join(folder, icon.name), await page.screenshot({ omitBackground: true }));
    await page.close();
  }
} finally {
  await browser.close();
}
