/**
 * A page of MyMentor in Chromium before the stand-in server, for the files that tell its stories. Each story has a world of its
 * own; the server, the browser and the media are shared by the stories of one file.
 */

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before } from 'node:test';
import { startApps } from './app-server.mjs';
import { launch } from './browser.mjs';
import { listed, liveMedia, recordedMedia } from './media.mjs';

/** Patience for anything that a loaded machine with two cores has to do. */
export const WAIT_MS = 40_000;
export const PHONE = { width: 360, height: 740 };
export const DESK = { width: 1280, height: 800 };

let media;
let encoder;
export let apps;
let browser;
export let context = null;
export let problems = [];

/** Starts what the stories of a file need, and ends it behind them. */
export function standing() {
  before(async () => {
    media = await mkdtemp(join(tmpdir(), 'tayang-mymentor-'));
    await recordedMedia(join(media, 'recorded'), 40);
    encoder = await liveMedia(join(media, 'live'));
    apps = await startApps({ live: join(media, 'live'), recorded: join(media, 'recorded') });
    browser = await launch();
    await listed(join(media, 'live'), 3);
  });

  after(async () => {
    await browser?.close();
    await apps?.close();
    encoder?.kill('SIGKILL');
    await rm(media, { recursive: true, force: true });
  });

  afterEach(async () => {
    await context?.close();
    context = null;
    problems = [];
  });
}

export async function open(path, { world = { signedIn: true }, within = browser, ...options } = {}) {
  apps.renew(world);
  context = await within.newContext({ viewport: PHONE, locale: 'id-ID', timezoneId: 'Asia/Jakarta', serviceWorkers: 'block', reducedMotion: 'reduce', ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(WAIT_MS);
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    if (/Content Security Policy/i.test(message.text())) problems.push(message.text());
  });
  await page.goto(`${apps.url}/mymentor/${path}`);
  return page;
}

export const heading = (page, name) => page.getByRole('heading', { level: 1, name }).waitFor();
export const asked = (method, path) => apps.world.asked.filter((one) => one.method === method && (path instanceof RegExp ? path.test(one.path) : one.path === path));

/** Waits for what the stand-in has to come to. */
export async function until(holds, what) {
  for (const end = Date.now() + WAIT_MS; !holds(); ) {
    assert.ok(Date.now() < end, what);
    await new Promise((resolve) => {
      setTimeout(resolve, 30);
    });
  }
}

/** Resolves once the stand-in was asked for this. */
export async function askedFor(method, path, count = 1) {
  await until(() => asked(method, path).length >= count, `${method} ${path} was not asked`);
  return asked(method, path).at(-1);
}

/** A push that came while the page is open, as its worker tells it. */
export const hearNews = (page) => page.evaluate(() => navigator.serviceWorker.dispatchEvent(new MessageEvent('message', { data: { type: 'notice' } })));

/** Waits until pictures have been played for this long; a jump to the live edge is not playing. */
export const plays = (page, seconds = 1) =>
  page.evaluate(({ wanted, patience }) => new Promise((resolve, reject) => {
    const end = performance.now() + patience;
    // oxlint-disable-next-line unicorn/consistent-function-scoping -- it runs in the page, which has nothing of this file
    const played = () => {
      const ranges = document.querySelector('video')?.played;
      return Array.from({ length: ranges?.length ?? 0 }, (_, at) => ranges.end(at) - ranges.start(at)).reduce((sum, one) => sum + one, 0);
    };
    let last = played();
    let gained = 0;
    const look = () => {
      const now = played();
      // A new source begins to count from nothing.
      gained += Math.max(0, now - last);
      last = now;
      if (gained >= wanted) resolve();
      else if (performance.now() > end) reject(new Error(`played ${gained} s of ${wanted} s`));
      else requestAnimationFrame(look);
    };
    look();
  }), { wanted: seconds, patience: WAIT_MS });
