/**
 * Watches one channel of a real server in Chromium and tells what it saw.
 *
 *   node e2e/live.mjs --url http://127.0.0.1:8080/watch/live/demo --via hls --seconds 20 [--wait 30] [--screenshot F] [--json]
 *
 * `--url` is the watch page (a bare origin plus `--channel app/name` will do too). Exit code 0: pictures advanced for the
 * whole time, as far as the channel was live; 1: they did not; 2: wrong arguments.
 */

import { parseArgs } from 'node:util';
import { launch } from './browser.mjs';

const SAMPLE_MS = 500;
/** Pictures count as advancing if at least this share of the watched time was played. */
const SHARE_MIN = 0.6;

function argumentsOf() {
  const { values } = parseArgs({
    options: {
      url: { type: 'string' },
      channel: { type: 'string' },
      via: { type: 'string', default: 'hls' },
      seconds: { type: 'string', default: '15' },
      wait: { type: 'string', default: '30' },
      lang: { type: 'string', default: 'id' },
      width: { type: 'string', default: '1280' },
      height: { type: 'string', default: '800' },
      scheme: { type: 'string', default: 'light' },
      screenshot: { type: 'string' },
      unmute: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  if (values.url === undefined || !['hls', 'flv', 'ws-flv', 'dash', 'ts'].includes(values.via)) return null;
  const url = new URL(values.channel === undefined ? values.url : `/watch/${values.channel}`, values.url);
  url.searchParams.set('via', values.via);
  url.searchParams.set('lang', values.lang);
  return { ...values, url: url.href, seconds: Number(values.seconds), wait: Number(values.wait) };
}

/** What the page tells about itself, and the element's own place. */
function look(page) {
  return page.evaluate(() => {
    const root = document.querySelector('#tayang');
    const video = document.querySelector('video');
    const read = (name) => root?.getAttribute(`data-${name}`) ?? null;
    const latency = read('latency-ms');
    return {
      at: performance.now(),
      state: read('state'),
      engine: read('engine'),
      stream: read('stream'),
      frames: Number(read('frames') ?? 0),
      dropped: Number(read('frames-dropped') ?? 0),
      stalls: Number(read('stalls') ?? 0),
      trouble: read('trouble'),
      latencyMs: latency === null ? null : Number(latency),
      latencyBasis: read('latency-basis'),
      currentTime: video?.currentTime ?? 0,
      readyState: video?.readyState ?? 0,
      width: video?.videoWidth ?? 0,
      height: video?.videoHeight ?? 0,
    };
  });
}

async function watch(options) {
  const browser = await launch();
  const errors = [];
  try {
    const page = await browser.newPage({
      viewport: { width: Number(options.width), height: Number(options.height) },
      colorScheme: options.scheme,
      timezoneId: 'Asia/Jakarta',
    });
    page.on('pageerror', (error) => errors.push(`page: ${error.message}`));
    page.on('console', (message) => {
      // A refused load is listed below with its address; here it would only be there twice.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) errors.push(`console: ${message.text()}`);
    });
    page.on('response', (response) => {
      if (response.status() >= 400) errors.push(`http ${response.status()} ${new URL(response.url()).pathname}`);
    });
    const opened = Date.now();
    await page.goto(options.url, { waitUntil: 'domcontentloaded' });
    let seen = await look(page);
    while (seen.frames < 2 && Date.now() - opened < options.wait * 1000) {
      await page.waitForTimeout(100);
      seen = await look(page);
    }
    const firstPictureMs = seen.frames >= 2 ? Date.now() - opened : null;
    if (options.unmute) {
      await page.locator('#stage').focus();
      await page.keyboard.press('m');
    }
    const samples = [seen];
    while (samples.at(-1).at - samples[0].at < options.seconds * 1000) {
      await page.waitForTimeout(SAMPLE_MS);
      samples.push(await look(page));
    }
    if (options.screenshot !== undefined) await page.screenshot({ path: options.screenshot });
    return report(samples, errors, firstPictureMs, options);
  } finally {
    await browser.close();
  }
}

function report(samples, errors, firstPictureMs, { url, via }) {
  const first = samples[0];
  const last = samples.at(-1);
  const latencies = samples.map(({ latencyMs }) => latencyMs).filter((ms) => ms !== null);
  const sorted = latencies.toSorted((a, b) => a - b);
  // Every advance counts, so that a fresh attachment (whose clock begins anew) does not look like a step back.
  let advance = 0;
  for (let at = 1; at < samples.length; at += 1) {
    const step = samples[at].currentTime - samples[at - 1].currentTime;
    if (step > 0 && step < 5) advance += step;
  }
  return {
    url,
    via,
    engine: last.engine,
    state: last.state,
    states: [...new Set(samples.map(({ state }) => state))],
    stream: last.stream,
    firstPictureMs,
    frames: last.frames - first.frames,
    framesDropped: last.dropped - first.dropped,
    size: `${last.width}x${last.height}`,
    watchedSeconds: (last.at - first.at) / 1000,
    currentTimeAdvance: Number(advance.toFixed(3)),
    latencyBasis: last.latencyBasis,
    latencyMsSamples: latencies,
    latencyMsP50: sorted[Math.floor(sorted.length * 0.5)] ?? null,
    latencyMsP95: sorted[Math.floor(sorted.length * 0.95)] ?? null,
    stalls: last.stalls,
    trouble: last.trouble,
    errors: errors.slice(0, 50),
  };
}

const options = argumentsOf();
if (options === null) {
  console.error('usage: node live.mjs --url URL --via hls|flv|ws-flv|dash|ts [--channel app/name] [--seconds N] [--wait N] [--screenshot F] [--json]');
  process.exitCode = 2;
} else {
  const seen = await watch(options);
  if (options.json) console.log(JSON.stringify(seen));
  else console.log(seen);
  const played = seen.frames > 0 && seen.currentTimeAdvance >= seen.watchedSeconds * SHARE_MIN;
  process.exitCode = played ? 0 : 1;
}
