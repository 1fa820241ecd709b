/** Pages of MyMentee in Chromium before the stand-in server, for the tests of its stories: made and taken down with the test file. */

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before } from 'node:test';
import { launch } from './browser.mjs';
import { listed, liveMedia, recordedMedia } from './media.mjs';
import { startMentee } from './mentee-server.mjs';

const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** Patience for anything that a loaded machine with two cores has to do. */
const WAIT_MS = 30_000;
export const PHONE = { width: 360, height: 740 };
export const DESK = { width: 1280, height: 800 };
export const SCENES = [
  { name: 'phone, Indonesian', size: PHONE, lang: 'id', scheme: 'light' },
  { name: 'desk, English', size: DESK, lang: 'en', scheme: 'dark' },
];
let media;
let encoder;
/** The stand-in server, once it runs. */
export let mock;
let browser;
export let context = null;
let problems = [];
/** Questions to the API without an answer yet, the room's line left out. */
const asking = new Set();

before(async () => {
  media = await mkdtemp(join(tmpdir(), 'tayang-mymentee-'));
  await recordedMedia(join(media, 'recorded'), 10);
  encoder = await liveMedia(join(media, 'live'));
  mock = await startMentee({ live: join(media, 'live'), recorded: join(media, 'recorded') });
  browser = await launch();
  await listed(join(media, 'live'), 3);
});

after(async () => {
  await browser?.close();
  await mock?.close();
  encoder?.kill('SIGKILL');
  await rm(media, { recursive: true, force: true });
});

afterEach(async () => {
  await context?.close();
  context = null;
  const found = problems;
  problems = [];
  assert.deepEqual(found, []);
});

export async function open(path, { size, lang, scheme }, { change = () => undefined, ...options } = {}) {
  const world = mock.reset();
  world.user = { ...world.user, locale: lang };
  change(world);
  context = await browser.newContext({
    viewport: size, colorScheme: scheme, locale: lang === 'id' ? 'id-ID' : 'en-GB', timezoneId: 'Asia/Jakarta', serviceWorkers: 'block', ...options,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(WAIT_MS);
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    if (/Content Security Policy/i.test(message.text())) problems.push(message.text());
  });
  asking.clear();
  page.on('request', (request) => {
    if (/\/api\/v1\/(?!lessons\/[^/]+\/room)/.test(request.url())) asking.add(request);
  });
  for (const end of ['requestfinished', 'requestfailed']) page.on(end, (request) => asking.delete(request));
  await page.goto(`${mock.url}/mymentee${path}`);
  await page.locator('h1').first().waitFor();
  return page;
}

export const button = (place, name) => place.getByRole('button', { name, exact: typeof name === 'string' }).first();
export const tab = (page, name) => page.getByRole('tab', { name });
export const sent = (what) => mock.world.sent.filter((one) => one.what === what);

/** Resolves once the server was told so. */
export async function told(what) {
  for (let tries = 0; tries < 300; tries += 1) {
    const found = sent(what).at(-1);
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`the server was not told ${what}; it was told ${mock.world.sent.map((one) => one.what).join(', ')}`);
}

/** Waits until as many more pictures have been shown. */
export async function moreFrames(page, count) {
  const now = Number(await page.locator('.stage').first().getAttribute('data-frames'));
  await page.waitForFunction((wanted) => Number(document.querySelector('.stage')?.getAttribute('data-frames') ?? 0) >= wanted, now + count);
}

/** What is drawn is what was read: nothing is asked for and nothing shown as loading, over two drawings. */
export async function settled(page) {
  await page.locator('main h1').first().waitFor();
  for (;;) {
    await page.locator('.loading').first().waitFor({ state: 'detached' });
    const isStill = await page.evaluate(async () => {
      for (let at = 0; at < 2; at += 1) await new Promise((resolve) => requestAnimationFrame(resolve));
      const passing = document.getAnimations().filter(({ effect }) => effect?.getComputedTiming().iterations !== Infinity);
      await Promise.all(passing.map(({ finished }) => finished.catch(() => undefined)));
      return document.querySelector('.loading') === null;
    });
    if (isStill && asking.size === 0) return;
  }
}

export async function audit(page, scene) {
  await settled(page);
  await page.addScriptTag({ content: AXE });
  const found = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
  assert.deepEqual(found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`), []);
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth), false, 'wider than the screen');
  assert.equal(await page.evaluate(() => document.documentElement.lang), scene.lang);
}
