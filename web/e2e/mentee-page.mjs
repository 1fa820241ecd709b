/** Pages of MyMentee in Chromium before the stand-in server, for the tests of its stories: made and taken down with the test file. */

import assert from 'node:assert/strict';
import { auditPage, DESK, newPage, PHONE, server as mock, moreFrames as shown, standing, until } from './harness.mjs';
import { startMentee } from './mentee-server.mjs';

export { context, DESK, PHONE, server as mock, smallTargets } from './harness.mjs';
export const SCENES = [
  { name: 'phone, Indonesian', size: PHONE, lang: 'id', scheme: 'light' },
  { name: 'desk, English', size: DESK, lang: 'en', scheme: 'dark' },
];
/** Questions to the API without an answer yet, the room's line left out. */
const asking = new Set();

standing(startMentee);

export async function open(path, { size, lang, scheme }, { change = () => undefined, ...options } = {}) {
  const world = mock.reset();
  world.user = { ...world.user, locale: lang };
  change(world);
  const page = await newPage({ viewport: size, colorScheme: scheme, locale: lang === 'id' ? 'id-ID' : 'en-GB', ...options });
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
  await until(() => sent(what).length > 0, () => `the server was not told ${what}; it was told ${mock.world.sent.map((one) => one.what).join(', ')}`);
  return sent(what).at(-1);
}

/** Waits until as many more pictures have been shown. */
export const moreFrames = (page, count) => shown(page, count, '.stage');

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
  await auditPage(page);
  assert.equal(await page.evaluate(() => document.documentElement.lang), scene.lang);
}
