/** Pictures of every page of MyMentor on a phone and on a desk, for people to judge: `node e2e/app-screens.mjs [FOLDER] [NAME…]`. */

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startApps } from './app-server.mjs';
import { launch } from './browser.mjs';
import { listed, liveMedia, recordedMedia } from './media.mjs';

const SIZES = { phone: { width: 360, height: 740 }, desk: { width: 1280, height: 800 } };
const PLAY_MS = 5_000;
const CALM_MS = 700;

const [folder = 'artefacts/apps', ...only] = process.argv.slice(2);
const media = await mkdtemp(join(tmpdir(), 'tayang-apps-'));
await mkdir(folder, { recursive: true });
await recordedMedia(join(media, 'recorded'), 12);
const encoder = await liveMedia(join(media, 'live'));
const apps = await startApps({ live: join(media, 'live'), recorded: join(media, 'recorded') });
const browser = await launch();

const IN = { signedIn: true };
const TWO = [
  { stream: 'earlier', started_at: '2026-08-01T12:00:00Z', duration_ms: 60_000 },
  { stream: 'recorded', started_at: '2026-08-01T12:20:00Z', duration_ms: 3_600_000 },
];
const PAGES = [
  { name: 'sign-in', path: 'sign-in', world: { oidc: [{ name: 'Sekolah', start_url: '/api/v1/oidc/sekolah/start' }] } },
  { name: 'link', path: 'link#tautan-baik' },
  { name: 'forgotten', path: 'forgotten' },
  { name: 'password', path: 'password#rahasia' },
  { name: 'create-account', path: 'create-account' },
  { name: 'forgotten-sent', path: 'forgotten', act: async (page) => {
    await page.locator('input[type=email]').fill('peserta@contoh.id');
    await page.locator('main button[type=submit]').click();
  } },
  { name: 'home', path: '', world: IN },
  { name: 'home-empty', path: '', world: { ...IN, lessons: [] } },
  { name: 'lessons', path: 'lessons', world: IN },
  { name: 'lessons-past', path: 'lessons?tab=past', world: IN },
  { name: 'mentors', path: 'mentors', world: IN },
  { name: 'mentor', path: 'mentors/m-1', world: IN },
  { name: 'course-member', path: 'courses/c-1', world: IN },
  { name: 'course-ask', path: 'courses/c-2', world: IN },
  { name: 'course-invitation', path: 'courses/c-3', world: IN },
  { name: 'lesson-live', path: 'lessons/l-live', world: IN, wait: PLAY_MS },
  { name: 'lesson-waiting', path: 'lessons/l-soon', world: IN },
  { name: 'lesson-replay', path: 'lessons/l-past', world: IN, wait: PLAY_MS },
  { name: 'lesson-replay-parts', path: 'lessons/l-past', world: { ...IN, recordings: TWO }, wait: PLAY_MS },
  { name: 'lesson-missed', path: 'lessons/l-missed', world: IN },
  { name: 'lesson-cancelled', path: 'lessons/l-off', world: IN },
  { name: 'notices', path: 'notices', world: IN },
  { name: 'settings', path: 'settings', world: IN },
  { name: 'not-found', path: 'tiada', world: IN },
  { name: 'offline', path: 'lessons', world: IN, act: (page) => page.context().setOffline(true) },
];

async function shoot({ name, path, world = {}, wait = CALM_MS, act }, size, scheme, lang) {
  apps.renew({ ...world });
  const context = await browser.newContext({
    viewport: SIZES[size],
    colorScheme: scheme,
    locale: lang === 'id' ? 'id-ID' : 'en-GB',
    timezoneId: 'Asia/Jakarta',
    deviceScaleFactor: size === 'phone' ? 2 : 1,
    hasTouch: size === 'phone',
    isMobile: size === 'phone',
    serviceWorkers: 'block',
  });
  const page = await context.newPage();
  page.on('pageerror', (error) => console.log(`${name} ${size}: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) console.log(`${name} ${size}: ${message.text()}`);
  });
  const [place, hash = ''] = path.split('#');
  const query = `${place.includes('?') ? '&' : '?'}lang=${lang}`;
  await page.goto(`${apps.url}/mymentor/${place}${query}${hash === '' ? '' : `#${hash}`}`);
  await page.waitForLoadState('networkidle', { timeout: 3_000 }).catch(() => undefined);
  await page.waitForTimeout(wait);
  await act?.(page);
  if (act !== undefined) await page.waitForTimeout(CALM_MS);
  await page.screenshot({ path: join(folder, `${name}-${size}.png`), fullPage: wait === CALM_MS && size === 'phone' });
  await context.close();
}

try {
  await listed(join(media, 'live'), 3);
  for (const [at, page] of PAGES.entries()) {
    if (only.length > 0 && !only.includes(page.name)) continue;
    // Every page in both languages and both themes somewhere, without making four pictures of each.
    await shoot(page, 'phone', at % 2 === 0 ? 'light' : 'dark', at % 3 === 2 ? 'en' : 'id');
    await shoot(page, 'desk', at % 2 === 0 ? 'dark' : 'light', at % 3 === 2 ? 'id' : 'en');
  }
} finally {
  await browser.close();
  await apps.close();
  encoder.kill('SIGKILL');
  await rm(media, { recursive: true, force: true });
}
