/** MyMentee in Chromium before a stand-in server: operators, tools, and what happens when things go wrong. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { audit, button, mock, open, SCENES, told } from './mentee-page.mjs';
import { OPERATOR } from './mentee-world.mjs';

const WORDS = {
  id: {
    search: 'Cari nama atau surel', mentor: 'Mentor', save: 'Simpan', makeLink: 'Buat tautan masuk', suspend: 'Tangguhkan akun', restore: 'Pulihkan akun', journal: 'Jurnal orang ini', more: 'Tampilkan lagi',
    people: /Penonton/, decline: /^Tolak/, again: /^Terima lagi/, show: 'Tampilkan', hooks: 'Webhook', notOperator: 'Halaman ini untuk pengelola', roles: 'Peran diubah',
  },
  en: {
    search: 'Find by name or email', mentor: 'Mentor', save: 'Save', makeLink: 'Make a sign-in link', suspend: 'Suspend the account', restore: 'Restore the account', journal: 'Journal of this person', more: 'Show more',
    people: /Viewers/, decline: /^Decline/, again: /again$/, show: 'Show', hooks: 'Webhooks', notOperator: 'This page is for operators', roles: 'Roles changed',
  },
};

const asOperator = (path, scene, options = {}) => open(path, scene, { ...options, change: (world) => (world.user = { ...OPERATOR, locale: scene.lang }) });

for (const scene of SCENES) {
  const words = WORDS[scene.lang];

  describe(`operators (${scene.name})`, () => {
    test('one who teaches nothing begins with people, finds somebody, and makes them a mentor', async () => {
      const page = await asOperator('/', scene);
      await page.waitForURL(/\/operator$/);
      await page.locator('.people > li').nth(49).waitFor();
      await button(page, words.more).click();
      await page.locator('.people > li').nth(63).waitFor();
      await page.getByLabel(words.search).fill('peserta satu');
      await page.waitForFunction(() => document.querySelectorAll('.people > li').length === 1);
      await page.getByRole('link', { name: 'Peserta Satu' }).click();
      await page.getByRole('switch', { name: words.mentor }).click();
      await button(page, words.save).click();
      assert.deepEqual((await told('PATCH /users/u-1')).body, { roles: ['mentee', 'mentor'] });
      await page.locator('.toast').waitFor();
    });

    test('a link to sign in by is shown once, and somebody is suspended and restored', async () => {
      const page = await asOperator('/operator/users/u-1', scene);
      await button(page, words.makeLink).click();
      await page.getByText('sekali-pakai-9Fk2').waitFor();
      await button(page, words.suspend).click();
      await button(page.getByRole('dialog'), words.suspend).click();
      assert.deepEqual((await told('PATCH /users/u-1')).body, { suspended: true });
      await button(page, words.restore).click();
      await button(page, words.suspend).waitFor();
      assert.equal(mock.world.users.find(({ id }) => id === 'u-1').suspended_at, null);
    });

    test('the journal is read about one person, and webhooks are open to operators', async () => {
      const page = await asOperator('/operator/users/u-1', scene);
      await page.getByRole('link', { name: words.journal }).click();
      await page.locator('.people').getByText(words.roles).waitFor();
      assert.equal(await page.locator('.people > li').count(), 1);
      await page.getByRole('link', { name: words.hooks, exact: true }).click();
      await page.getByRole('link', { name: 'https://contoh.id/kejadian-tayang' }).waitFor();
    });

    test('others are told that it is not for them', async () => {
      const page = await open('/operator', scene);
      await page.getByRole('heading', { name: words.notOperator }).waitFor();
    });

    for (const path of ['/operator', '/operator/users/u-1', '/operator/users/u-2', '/operator/audit', '/operator/audit?subject=user:u-1']) {
      test(`${path} passes the audit and fits`, async () => audit(await asOperator(path, scene, { bypassCSP: true, reducedMotion: 'reduce' }), scene));
    }
  });

  describe(`after a long lesson (${scene.name})`, () => {
    const many = (world) => {
      const [first] = world.room.comments;
      world.room.comments = Array.from({ length: 2_300 }, (_, at) => ({ ...first, id: `k-${at + 1}`, seq: at + 1, body: `nomor ${at + 1}`, media_ms: 60_000 + at, pinned: false, state: at === 2_250 ? 'held' : 'shown' }));
      const [entry] = world.attendance;
      world.attendance = Array.from({ length: 250 }, (_, at) => ({ ...entry, user: { id: `u-many-${at}`, name: `Warga ${String(at).padStart(3, '0')}` } }));
    };

    test('all that was said is read, little is drawn, and what waits is shown still', async () => {
      const page = await open('/lessons/l-ended/recording', scene, { change: many });
      await page.locator('.chat-held').getByText('nomor 2251').waitFor();
      assert.equal(await page.locator('.replay .comment').count(), 50);
      await button(page.locator('.chat-held'), words.show).click();
      assert.deepEqual((await told('PATCH /lessons/l-ended/comments/k-2251')).body, { state: 'shown' });
      await page.locator('.chat-held').waitFor({ state: 'detached' });
    });

    test('a long list of who was there is drawn by parts', async () => {
      const page = await open('/lessons/l-ended/attendance', scene, { change: many });
      await page.locator('.sheet tbody tr').nth(99).waitFor();
      assert.equal(await page.locator('.sheet tbody tr').count(), 100);
      await button(page, words.more).click();
      await page.locator('.sheet tbody tr').nth(199).waitFor();
    });
  });

  describe(`lists (${scene.name})`, () => {
    test('who was declined or removed is let in again', async () => {
      const page = await open('/courses/c-fisika?part=people', scene);
      await page.getByRole('button', { name: words.decline }).first().click();
      const again = page.getByRole('button', { name: words.again });
      await again.waitFor();
      await again.click();
      await again.waitFor({ state: 'detached' });
      assert.deepEqual((await told('PATCH /courses/c-fisika/enrolments/u-8')).body, { state: 'active' });
      assert.equal(mock.world.sent.filter(({ what }) => what === 'PATCH /courses/c-fisika/enrolments/u-8').length, 2);
    });

    test('a lesson that is late stays on the schedule, and a new one comes by itself when the page is looked at again', async () => {
      const asked = [];
      const page = await open('/settings', scene);
      page.on('request', (request) => asked.push(new URL(request.url())));
      await page.evaluate(() => document.querySelector('nav.menu a').click());
      await page.locator('.slot').first().waitFor();
      const from = asked.find(({ searchParams }) => searchParams.get('state') === 'scheduled').searchParams.get('from');
      assert.ok(Math.abs(Date.now() - 12 * 3_600_000 - Date.parse(from)) < 60_000, from);
      mock.world.lessons.push({ ...mock.world.lessons[1], id: 'l-new', title: 'Baru dijadwalkan' });
      await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
      await page.getByRole('heading', { name: 'Baru dijadwalkan' }).waitFor();
    });

    test('viewers are asked for only where they are shown', async () => {
      const page = await open('/lessons/l-live/live', scene);
      const viewers = () => mock.world.asked.filter((what) => what === 'GET /lessons/l-live/viewers').length;
      await page.waitForResponse(/health$/);
      assert.equal(viewers(), 0);
      await page.getByRole('tab', { name: words.people }).click();
      await page.locator('.people').getByText('Peserta Enam', { exact: true }).waitFor();
      assert.equal(viewers(), 1);
    });
  });
}
