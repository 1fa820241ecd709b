/**
 * Watches one channel of a real server in Chromium and tells what it saw.
 *
 *   node e2e/live.mjs --url http://127.0.0.1:8080/watch/live/demo --via hls --seconds 20 [--wait 30] [--screenshot F] [--json]
 *
 * `--url` is the watch page (a bare origin plus `--channel app/name` will do too). With `--seek 0.5` a recording is watched
 * for the time, then from its middle for the same time again. With `--outage` it is watched until the page says that the
 * publisher is away and then until pictures move again, and only after that for the time. With `--sync` the report says by
 * how many milliseconds the beeps of the test signal came behind its flashes.
 *
 * Exit code 0: pictures advanced for the whole time without standing still; 1: they did not, `faults` says how; 2: wrong
 * arguments. With `--json` the first pictures and every change of the page's state are lines of their own; the last line is
 * the report. Its figures are of the last stretch that was watched.
 */

import { parseArgs } from 'node:util';
import { launch } from './browser.mjs';
import { beginSync, readSync } from './sync.mjs';
import { advanceOf, faultsOf, longestStandMs } from './verdict.mjs';

const SAMPLE_MS = 500;
/** More than looks in between: pictures that move for this long do move. */
const LOOK_MS = 100;
/** Pictures that follow one another show that play has begun. */
const FRAMES_BEGUN = 2;
/** And so many that it goes on after an outage: more than what was still buffered. */
const FRAMES_AGAIN = 30;
/** A seek that ends further off went elsewhere. */
const SEEK_OFF_MAX_S = 2;

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
      seek: { type: 'string' },
      outage: { type: 'boolean', default: false },
      unmute: { type: 'boolean', default: false },
      sync: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  if (values.url === undefined || !['hls', 'flv', 'ws-flv', 'dash', 'ts'].includes(values.via)) return null;
  const url = new URL(values.channel === undefined ? values.url : `/watch/${values.channel}`, values.url);
  url.searchParams.set('via', values.via);
  url.searchParams.set('lang', values.lang);
  return { ...values, url: url.href, seconds: Number(values.seconds), wait: Number(values.wait), seek: values.seek === undefined ? null : Number(values.seek) };
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
      duration: Number.isFinite(video?.duration) ? video.duration : null,
      readyState: video?.readyState ?? 0,
      width: video?.videoWidth ?? 0,
      height: video?.videoHeight ?? 0,
    };
  });
}

/** Looks at a page, and keeps every state that it has been in. */
class Viewer {
  states = [];

  constructor(page, { json, wait }) {
    this.page = page;
    this.json = json;
    this.waitMs = wait * 1_000;
  }

  async look() {
    const seen = await look(this.page);
    if (seen.state !== null && seen.state !== this.states.at(-1)) {
      this.states.push(seen.state);
      this.tell({ state: seen.state });
    }
    return seen;
  }

  /** A line of its own, for who acts on what the page shows. */
  tell(line) {
    if (this.json) console.log(JSON.stringify(line));
  }

  /** The first look at which `holds`, or the last one before patience ended. */
  async until(holds) {
    const end = Date.now() + this.waitMs;
    let seen = await this.look();
    while (!holds(seen) && Date.now() < end) {
      await this.page.waitForTimeout(LOOK_MS);
      seen = await this.look();
    }
    return seen;
  }

  /** Looks again and again for so many seconds. */
  async watch(seconds) {
    const samples = [await this.look()];
    while (samples.at(-1).at - samples[0].at < seconds * 1_000) {
      await this.page.waitForTimeout(SAMPLE_MS);
      samples.push(await this.look());
    }
    return samples;
  }

  /** The publisher goes away and comes back: the page must say so, and pictures must move again. */
  async outage() {
    const away = await this.until(({ state }) => state === 'stalled');
    if (away.state !== 'stalled') return ['the page never said that the publisher is away'];
    const back = await this.until(({ state }) => state === 'live');
    if (back.state !== 'live') return ['the page never said that the publisher is back'];
    const again = await this.until(({ frames }) => frames >= back.frames + FRAMES_AGAIN);
    return again.frames >= back.frames + FRAMES_AGAIN ? [] : ['no pictures after the outage'];
  }

  /** Goes to a share of the recording, by the slider as a viewer does. */
  async seek(share) {
    const { state, duration, frames } = await this.look();
    if (state !== 'recording' || duration === null) return ['this is no recording, there is nothing to seek in'];
    const wanted = duration * share;
    await this.page.locator('.seek').fill(wanted.toFixed(1));
    const there = await this.until((seen) => seen.currentTime >= wanted - 0.1 && seen.frames > frames);
    const off = there.currentTime - wanted;
    return off > -0.2 && off < SEEK_OFF_MAX_S ? [] : [`the seek to ${wanted.toFixed(1)} s ended at ${there.currentTime.toFixed(1)} s`];
  }
}

async function watch(options) {
  const browser = await launch();
  const errors = [];
  const faults = [];
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
    const viewer = new Viewer(page, options);
    const begun = await viewer.until(({ frames }) => frames >= FRAMES_BEGUN);
    const firstPictureMs = begun.frames >= FRAMES_BEGUN ? Date.now() - opened : null;
    if (firstPictureMs !== null) viewer.tell({ playing: true });
    if (options.unmute) {
      await page.locator('#stage').focus();
      await page.keyboard.press('m');
    }
    if (options.sync) await beginSync(page);
    if (options.outage) faults.push(...(await viewer.outage()));
    let samples = await viewer.watch(options.seconds);
    faults.push(...faultsOf(samples));
    if (options.seek !== null) {
      faults.push(...(await viewer.seek(options.seek)));
      samples = await viewer.watch(options.seconds);
      faults.push(...faultsOf(samples).map((fault) => `after the seek: ${fault}`));
    }
    const syncMs = options.sync ? await readSync(page) : null;
    if (options.screenshot !== undefined) await page.screenshot({ path: options.screenshot });
    return { ...report(samples, firstPictureMs, options), syncMs, states: viewer.states, faults, errors: errors.slice(0, 50) };
  } finally {
    await browser.close();
  }
}

function report(samples, firstPictureMs, { url, via }) {
  const first = samples[0];
  const last = samples.at(-1);
  const latencies = samples.map(({ latencyMs }) => latencyMs).filter((ms) => ms !== null);
  const sorted = latencies.toSorted((a, b) => a - b);
  return {
    url,
    via,
    engine: last.engine,
    state: last.state,
    stream: last.stream,
    firstPictureMs,
    frames: last.frames - first.frames,
    framesDropped: last.dropped - first.dropped,
    size: `${last.width}x${last.height}`,
    watchedSeconds: (last.at - first.at) / 1000,
    currentTimeAdvance: Number(advanceOf(samples).toFixed(3)),
    latencyBasis: last.latencyBasis,
    latencyMsSamples: latencies,
    latencyMsP50: sorted[Math.floor(sorted.length * 0.5)] ?? null,
    latencyMsP95: sorted[Math.floor(sorted.length * 0.95)] ?? null,
    stalls: last.stalls,
    longestStandMs: Math.round(longestStandMs(samples)),
    trouble: last.trouble,
    duration: last.duration,
  };
}

const options = argumentsOf();
if (options === null) {
  console.error('usage: node live.mjs --url URL --via hls|flv|ws-flv|dash|ts [--channel app/name] [--seconds N] [--wait N] [--seek SHARE | --outage] [--sync] [--screenshot F] [--json]');
  process.exitCode = 2;
} else {
  const seen = await watch(options);
  if (options.json) console.log(JSON.stringify(seen));
  else console.log(seen);
  process.exitCode = seen.faults.length === 0 ? 0 : 1;
}
