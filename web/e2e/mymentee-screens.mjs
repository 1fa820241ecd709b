/** Pictures of MyMentee's pages, for people to judge: `node e2e/mymentee-screens.mjs [FOLDER] [NAME…]`. */

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launch } from './browser.mjs';
import { listed, liveMedia, recordedMedia } from './media.mjs';
import { HEALTHY, OPERATOR } from './mentee-world.mjs';
import { startMentee } from './mentee-server.mjs';

const PHONE = { width: 360, height: 740 };
const DESK = { width: 1280, height: 800 };
const [folder = 'artefacts/mymentee', ...only] = process.argv.slice(2);

/** An operator who teaches nothing, before people as they are named. */
function operate(world) {
  world.user = { ...OPERATOR };
  Object.assign(world.users[3], { name: 'Raden Mas Bambang Hadikusumo Wiryatmaja', email: 'raden.mas.bambang.hadikusumo@sekolahmenengahatas.contoh.sch.id', roles: ['mentee', 'mentor', 'operator'] });
}

/** Name, path, and what is done before the picture is taken. */
const PAGES = [
  ['home', '/'],
  ['now', '/', { act: (page) => page.locator('.page-head button').last().click() }],
  ['week', '/?view=week'],
  ['past', '/?view=past'],
  ['lesson', '/lessons/l-next'],
  ['lesson-new', '/lessons/new', { act: (page) => page.locator('input[type=number]').nth(1).fill('4') }],
  ['publish', '/lessons/l-next/publish'],
  ['publish-key', '/lessons/l-next/publish', { before: (world) => (world.health = HEALTHY), act: (page) => page.locator('.key-part button').last().click() }],
  ['live', '/lessons/l-live/live', { before: (world) => (world.health = HEALTHY), wait: 6_000 }],
  ['live-chat', '/lessons/l-live/live', { before: (world) => (world.health = { ...HEALTHY, audio: null, warnings: ['key frames 8 s apart'] }), act: (page) => page.locator('[role=tab]').filter({ hasText: /Obrolan|Chat/ }).click(), wait: 3_000 }],
  ['live-people', '/lessons/l-live/live', { act: (page) => page.locator('[role=tab]').filter({ hasText: /Penonton|Viewers/ }).click() }],
  ['live-room', '/lessons/l-live/live', { act: (page) => page.locator('[role=tab]').filter({ hasText: /Ruang|Room/ }).click() }],
  ['recording', '/lessons/l-ended/recording', { wait: 3_500 }],
  ['attendance', '/lessons/l-ended/attendance'],
  ['attendance-correct', '/lessons/l-ended/attendance', { act: (page) => page.locator('.sheet button').first().click() }],
  ['courses', '/courses'],
  ['course', '/courses/c-fisika'],
  ['course-people', '/courses/c-fisika?part=people'],
  ['course-invite', '/courses/c-fisika?part=invite', { act: (page) => page.locator('form button[type=submit]').click() }],
  ['course-settings', '/courses/c-fisika?part=settings'],
  ['mentor', '/page'],
  ['keys', '/keys'],
  ['webhooks', '/webhooks'],
  ['webhook', '/webhooks/w-1'],
  ['operator', '/operator', { before: operate }],
  ['operator-nobody', '/operator?query=tiada', { before: operate }],
  ['operator-user', '/operator/users/u-2', { before: operate }],
  ['operator-link', '/operator/users/u-1', { before: operate, act: (page) => page.locator('main section .button').first().click() }],
  ['operator-me', '/operator/users/u-operator', { before: operate }],
  ['operator-audit', '/operator/audit', { before: operate }],
  ['operator-webhooks', '/webhooks', { before: operate }],
  ['notices', '/notices'],
  ['settings', '/settings'],
  ['not-mentor', '/', { before: (world) => (world.user = { ...world.user, is_mentor: false, roles: [] }) }],
  ['sign-in', '/', { before: (world) => (world.user = null) }],
];

const media = await mkdtemp(join(tmpdir(), 'tayang-mymentee-'));
await mkdir(folder, { recursive: true });
await recordedMedia(join(media, 'recorded'), 12);
const encoder = await liveMedia(join(media, 'live'));
const mock = await startMentee({ live: join(media, 'live'), recorded: join(media, 'recorded') });
const browser = await launch();

async function shoot(name, path, { size, lang, scheme, before = () => undefined, act = async () => undefined, wait = 700 }) {
  before(mock.reset());
  const context = await browser.newContext({ viewport: size, colorScheme: scheme, locale: lang === 'id' ? 'id-ID' : 'en-GB', timezoneId: 'Asia/Jakarta', serviceWorkers: 'block', hasTouch: size === PHONE });
  const page = await context.newPage();
  page.on('pageerror', (error) => console.log(`${name}: ${error.message}`));
  await page.goto(`${mock.url}/mymentee${path}${path.includes('?') ? '&' : '?'}lang=${lang}`);
  await page.locator('h1').first().waitFor();
  await page.waitForTimeout(wait);
  await act(page).catch?.((error) => console.log(`${name}: ${error.message}`));
  await page.waitForTimeout(400);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (wide > 0) console.log(`${name}: ${wide} px too wide`);
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
  await context.close();
}

try {
  await listed(join(media, 'live'), 3);
  for (const [name, path, options = {}] of PAGES) {
    if (only.length > 0 && !only.includes(name)) continue;
    await shoot(`${name}-phone`, path, { size: PHONE, lang: 'id', scheme: 'light', ...options });
    await shoot(`${name}-desk`, path, { size: DESK, lang: 'en', scheme: 'dark', ...options });
  }
} finally {
  await browser.close();
  await mock.close();
  encoder.kill('SIGKILL');
  await rm(media, { recursive: true, force: true });
}
