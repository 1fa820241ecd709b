/** Holds the size budgets of the built apps. Sizes are those on the wire for a browser that takes gzip. */

import { readdir, readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';

/** What every page that plays brings with it, fetched when it is wanted. */
const ENGINES = [
  { what: 'native HLS', pattern: /^native-.*\.js$/, max: 2_000 },
  { what: 'glue', pattern: /^rolldown-runtime-.*\.js$/, max: 2_000 },
  { what: 'HLS engine', pattern: /^hls-.*\.js$/, max: 200_000 },
  { what: 'HLS worker', pattern: /^hls\.worker-.*\.js$/, max: 45_000 },
  { what: 'FLV engine', pattern: /^flv-.*\.js$/, max: 70_000 },
  { what: 'DASH engine', pattern: /^dash-.*\.js$/, max: 185_000 },
];
const FONT = { what: 'font', pattern: /\.woff2$/, max: 30_000 };

/** Budgets in bytes after gzip, by app. The first of each is what is fetched before anything can be seen. */
const APPS = {
  watch: [
    { what: 'page script', pattern: /^index-.*\.js$/, max: 40_000 },
    { what: 'page style', pattern: /^index-.*\.css$/, max: 12_000 },
    FONT,
    ...ENGINES,
  ],
  mymentor: [
    { what: 'app script', pattern: /^index-.*\.js$/, max: 60_000 },
    { what: 'lesson script', pattern: /^lesson-.*\.js$/, max: 30_000 },
    { what: 'app style', pattern: /^index-.*\.css$/, max: 14_000 },
    FONT,
    ...ENGINES,
  ],
  mymentee: [
    { what: 'app script', pattern: /^(index|preload-helper|hooks)-.*\.js$/, max: 80_000 },
    { what: 'account page', pattern: /^settings-.*\.js$/, max: 10_000 },
    { what: 'tools', pattern: /^(tools|operators|operator-parts)-.*\.js$/, max: 20_000 },
    { what: 'lesson pages', pattern: /^(live|recording|stage)-.*\.js$/, max: 40_000 },
    { what: 'QR codes', pattern: /^qrcode-.*\.js$/, max: 12_000 },
    { what: 'app style', pattern: /^index-.*\.css$/, max: 16_000 },
    FONT,
    ...ENGINES,
  ],
};

async function bytesOf(folder, name) {
  const content = await readFile(new URL(name, folder));
  return name.endsWith('.woff2') ? content.length : gzipSync(content, { level: 9 }).length;
}

async function check(app, budgets) {
  const folder = new URL(`../apps/${app}/dist/assets/`, import.meta.url);
  const files = (await readdir(folder)).filter((name) => !/\.(gz|br|map)$/.test(name));
  let held = true;
  for (const { what, pattern, max } of budgets) {
    const names = files.filter((name) => pattern.test(name));
    let bytes = 0;
    for (const name of names) bytes += await bytesOf(folder, name);
    const verdict = names.length === 0 ? 'missing' : bytes > max ? 'too large' : 'ok';
    held &&= verdict === 'ok';
    console.log(`${app.padEnd(9)} ${what.padEnd(14)} ${String(bytes).padStart(7)} of ${String(max).padStart(7)} bytes  ${verdict}`);
  }
  const known = (name) => budgets.some(({ pattern }) => pattern.test(name)) || name.endsWith('.svg');
  for (const name of files.filter((one) => one.endsWith('.js') && !known(one))) {
    const bytes = await bytesOf(folder, name);
    console.log(`${app} ${name}: ${bytes} bytes have no budget`);
    held &&= bytes <= 5_000;
  }
  return held;
}

for (const [app, budgets] of Object.entries(APPS)) {
  if (!(await check(app, budgets))) process.exitCode = 1;
}
