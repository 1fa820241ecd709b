/**
 * Reads, in Chromium, the times that pictures carry, and tells how old they are when they are shown.
 *
 *   node e2e/glass.mjs --url http://127.0.0.1:8080/watch/live/demo --via hls|flv --seconds 30 --square 16
 *
 * A picture carries the wall clock's milliseconds modulo 2^32 and the sum of their four bytes as 40 black and white squares
 * from the upper left corner on. Sender and browser share one clock: both run on this machine.
 */

import { parseArgs } from 'node:util';
import { launch } from './browser.mjs';

/** What a player fetches when it joins is not what is measured. */
const SETTLE_MS = 5000;
const PATIENCE_MS = 30_000;

const { values } = parseArgs({
  options: {
    url: { type: 'string' },
    via: { type: 'string', default: 'hls' },
    seconds: { type: 'string', default: '30' },
    square: { type: 'string', default: '16' },
  },
});

function share(sorted, p) {
  return sorted.length === 0 ? null : Math.round(sorted[Math.round((sorted.length - 1) * p)]);
}

const browser = await launch();
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const url = new URL(values.url);
  url.searchParams.set('via', values.via);
  await page.goto(url.href, { waitUntil: 'domcontentloaded' });
  await page.waitForFunction(() => (document.querySelector('video')?.videoWidth ?? 0) > 0, undefined, { timeout: PATIENCE_MS });
  await page.waitForTimeout(SETTLE_MS);
  const seen = await page.evaluate(
    ({ milliseconds, square }) =>
      new Promise((resolve) => {
        const BITS = 40;
        const video = document.querySelector('video');
        const canvas = document.createElement('canvas');
        canvas.width = BITS * square;
        canvas.height = square;
        const context = canvas.getContext('2d', { willReadFrequently: true });
        const ages = [];
        let unreadable = 0;
        const end = performance.now() + milliseconds;
        const look = () => {
          const now = performance.timeOrigin + performance.now();
          context.drawImage(video, 0, 0, canvas.width, square, 0, 0, canvas.width, square);
          const { data } = context.getImageData(0, square / 2, canvas.width, 1);
          const bytes = [0, 0, 0, 0, 0];
          for (let bit = 0; bit < BITS; bit += 1) {
            const white = data[(bit * square + square / 2) * 4] > 128;
            bytes[bit >> 3] = bytes[bit >> 3] * 2 + Number(white);
          }
          const [a, b, c, d, sum] = bytes;
          if (((a + b + c + d) & 255) === sum) {
            const drawn = ((a * 256 + b) * 256 + c) * 256 + d;
            ages.push((now - drawn) % 2 ** 32);
          } else {
            unreadable += 1;
          }
          if (performance.now() < end) video.requestVideoFrameCallback(look);
        };
        video.requestVideoFrameCallback(look);
        // A picture that stands still calls nobody.
        setTimeout(() => resolve({ ages, unreadable }), milliseconds + 500);
      }),
    { milliseconds: Number(values.seconds) * 1000, square: Number(values.square) },
  );
  const sorted = seen.ages.toSorted((a, b) => a - b);
  console.log(
    JSON.stringify({
      via: values.via,
      pictures: seen.ages.length,
      unreadable: seen.unreadable,
      p50_ms: share(sorted, 0.5),
      p95_ms: share(sorted, 0.95),
      max_ms: share(sorted, 1),
    }),
  );
  process.exitCode = seen.ages.length > 0 ? 0 : 1;
} finally {
  await browser.close();
}
