/** Pictures of the page in every state, for people to judge: `node e2e/screens.mjs [FOLDER]`. */

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launch } from './browser.mjs';
import { LIVE, RECORDINGS, STREAM, TRACKS } from './channels.mjs';
import { listed, liveMedia, recordedMedia } from './media.mjs';
import { startMock } from './mock-server.mjs';

const PHONE = { width: 360, height: 740 };
const DESK = { width: 1440, height: 900 };
const PLAY_MS = 9_000;

const folder = process.argv[2] ?? 'artefacts/screens';
const media = await mkdtemp(join(tmpdir(), 'tayang-web-'));
await mkdir(folder, { recursive: true });
await recordedMedia(join(media, 'recorded'), 12);
const encoder = await liveMedia(join(media, 'live'));
const mock = await startMock({ live: join(media, 'live'), recorded: join(media, 'recorded') });
const browser = await launch();

async function shoot(name, { size, scheme = 'light', lang = 'id', query = '', act = async () => undefined, wait = 1_200, full = true }) {
  const context = await browser.newContext({
    viewport: size,
    colorScheme: scheme,
    locale: lang === 'id' ? 'id-ID' : 'en-GB',
    timezoneId: 'Asia/Jakarta',
    deviceScaleFactor: size === PHONE ? 2 : 1,
    hasTouch: size === PHONE,
    isMobile: size === PHONE,
  });
  const page = await context.newPage();
  await page.goto(`${mock.url}/watch/live/fisika-dasar?lang=${lang}${query}`);
  await page.waitForTimeout(wait);
  await act(page);
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: full });
  await context.close();
}

try {
  await listed(join(media, 'live'), 3);
  mock.set({ recordings: RECORDINGS });
  await shoot('waiting-phone-light', { size: PHONE });
  await shoot('waiting-desk-dark', { size: DESK, scheme: 'dark', full: false });
  mock.set(LIVE);
  await shoot('live-phone-light', { size: PHONE, wait: PLAY_MS });
  await shoot('live-phone-dark', { size: PHONE, scheme: 'dark', lang: 'en', wait: PLAY_MS, full: false });
  await shoot('live-desk-light', { size: DESK, wait: PLAY_MS, full: false });
  await shoot('live-desk-dark', { size: DESK, scheme: 'dark', lang: 'en', wait: PLAY_MS, act: (page) => page.mouse.move(400, 400), full: false });
  await shoot('stalled-phone', { size: PHONE, wait: 5_000, full: false, act: async (page) => {
    mock.set({ ...LIVE, state: 'stalled' });
    await page.evaluate(() => window.dispatchEvent(new Event('online')));
    await page.waitForTimeout(1_500);
    mock.set(LIVE);
  } });
  mock.set({ state: 'ended', stream: STREAM, tracks: TRACKS, recordings: RECORDINGS });
  await shoot('ended-phone', { size: PHONE, full: false });
  await shoot('ended-desk', { size: DESK, full: false });
  await shoot('recording-desk', { size: DESK, query: `&stream=${STREAM}`, wait: 4_000, full: false });
  await shoot('recording-phone', { size: PHONE, query: `&stream=${STREAM}`, wait: 4_000, act: (page) => page.touchscreen.tap(100, 120), full: false });
  mock.failState(404);
  await shoot('missing-phone', { size: PHONE, full: false });
} finally {
  await browser.close();
  await mock.close();
  encoder.kill('SIGKILL');
  await rm(media, { recursive: true, force: true });
}
