/**
 * What every file of tests in Chromium stands on: media, a stand-in server before them, a browser, one page at a time. Each is
 * made once and taken down with the file. Whatever a page throws, or its policy refuses, fails the test that opened it.
 */

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before } from 'node:test';
import { launch } from './browser.mjs';
import { listed, liveMedia, recordedMedia } from './media.mjs';

const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const AXE_TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
/** Patience for anything that a loaded machine with two cores has to do. */
export const WAIT_MS = 40_000;
export const PHONE = { width: 360, height: 740 };
export const DESK = { width: 1280, height: 800 };

/** The stand-in server, once it runs, and what holds the page of the test. */
export let server;
export let context = null;
let browser;
let problems = [];

/** Starts what the tests of a file need, and ends it behind them. `start` starts their stand-in server. */
export function standing(start, { recordedSeconds = 10, clear = () => undefined } = {}) {
  let media;
  let encoder;
  before(async () => {
    media = await mkdtemp(join(tmpdir(), 'tayang-e2e-'));
    const folders = { live: join(media, 'live'), recorded: join(media, 'recorded') };
    await recordedMedia(folders.recorded, recordedSeconds);
    encoder = await liveMedia(folders.live);
    server = await start(folders);
    browser = await launch();
    await listed(folders.live, 3);
  });

  after(async () => {
    await browser?.close();
    await server?.close();
    encoder?.kill('SIGKILL');
    await rm(media, { recursive: true, force: true });
  });

  afterEach(async () => {
    await context?.close();
    context = null;
    clear();
    const found = problems;
    problems = [];
    assert.deepEqual(found, []);
  });
}

/** A page in a context of its own, on a phone in Jakarta unless said otherwise, before it goes anywhere. */
export async function newPage({ within = browser, ...options } = {}) {
  context = await within.newContext({ viewport: PHONE, locale: 'id-ID', timezoneId: 'Asia/Jakarta', serviceWorkers: 'block', ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(WAIT_MS);
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    if (/Content Security Policy/i.test(message.text())) problems.push(message.text());
  });
  return page;
}

/** Waits until as many more pictures have been shown. */
export async function moreFrames(page, count = 20, counter = '#tayang') {
  const shown = Number(await page.locator(counter).first().getAttribute('data-frames'));
  await page.waitForFunction(([where, wanted]) => Number(document.querySelector(where)?.getAttribute('data-frames') ?? 0) >= wanted, [counter, shown + count]);
}

/** Waits for what the stand-in has to come to. */
export async function until(holds, what) {
  for (const end = Date.now() + WAIT_MS; !holds(); ) {
    assert.ok(Date.now() < end, typeof what === 'function' ? what() : what);
    await new Promise((resolve) => {
      setTimeout(resolve, 30);
    });
  }
}

/** What an audit of access finds on the page as it is, and whether it is wider than its screen. */
export async function auditPage(page) {
  await page.addScriptTag({ content: AXE });
  const found = await page.evaluate(async (runOnly) => {
    const { violations } = await globalThis.axe.run(document, { runOnly });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, any }) => `${html.slice(0, 160)} ${any.map(({ message }) => message).join(' ')}`).join(' | ')}`);
  }, AXE_TAGS);
  assert.deepEqual(found, []);
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth), false, 'wider than the screen');
}

/** What a finger is to press and is lower or narrower than 44 px. Links within text may be; a switch reaches past what is drawn. */
export const smallTargets = (page) =>
  page.evaluate(() =>
    [...document.querySelectorAll('a[href], button, input, select, summary')]
      .filter((one) => one.checkVisibility() && !one.matches('.plain-link, .skip, .switch') && getComputedStyle(one).display !== 'inline')
      .map((one) => [one, one.getBoundingClientRect()])
      .filter(([, { width, height }]) => width < 43.5 || height < 43.5)
      .map(([one, { width, height }]) => `${one.className || one.tagName} ${Math.round(width)}x${Math.round(height)}: ${(one.ariaLabel ?? one.textContent).slice(0, 40)}`));
