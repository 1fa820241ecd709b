/** Holds the size budgets of the built watch page. Sizes are those on the wire for a browser that takes gzip. */

import { readdir, readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';

const ASSETS = new URL('../apps/watch/dist/assets/', import.meta.url);

/** Budgets in bytes after gzip. The first is what is fetched before anything can be seen. */
const BUDGETS = [
  { what: 'page script', pattern: /^index-.*\.js$/, max: 40_000 },
  { what: 'page style', pattern: /^index-.*\.css$/, max: 12_000 },
  { what: 'font', pattern: /\.woff2$/, max: 30_000 },
  { what: 'native HLS', pattern: /^native-.*\.js$/, max: 2_000 },
  { what: 'glue', pattern: /^rolldown-runtime-.*\.js$/, max: 2_000 },
  { what: 'HLS engine', pattern: /^hls-.*\.js$/, max: 200_000 },
  { what: 'HLS worker', pattern: /^hls\.worker-.*\.js$/, max: 45_000 },
  { what: 'FLV engine', pattern: /^flv-.*\.js$/, max: 70_000 },
  { what: 'DASH engine', pattern: /^dash-.*\.js$/, max: 185_000 },
];

const files = (await readdir(ASSETS)).filter((name) => !/\.(gz|br|map)$/.test(name));
let failed = false;
for (const { what, pattern, max } of BUDGETS) {
  const names = files.filter((name) => pattern.test(name));
  let bytes = 0;
  for (const name of names) {
    const content = await readFile(new URL(name, ASSETS));
    bytes += name.endsWith('.woff2') ? content.length : gzipSync(content, { level: 9 }).length;
  }
  const verdict = names.length === 0 ? 'missing' : bytes > max ? 'too large' : 'ok';
  failed ||= verdict !== 'ok';
  console.log(`${what.padEnd(12)} ${String(bytes).padStart(7)} of ${String(max).padStart(7)} bytes  ${verdict}`);
}
const known = (name) => BUDGETS.some(({ pattern }) => pattern.test(name)) || name.endsWith('.svg');
for (const name of files.filter((one) => one.endsWith('.js') && !known(one))) {
  const bytes = gzipSync(await readFile(new URL(name, ASSETS))).length;
  console.log(`${name}: ${bytes} bytes have no budget`);
  failed ||= bytes > 5_000;
}
if (failed) process.exitCode = 1;
