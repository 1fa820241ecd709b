/** MyMentee in Chromium before a stand-in server: operators, tools, and what happens when things go wrong. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { audit, button, mock, open, SCENES, told } from './mentee-page.mjs';
import { OPERATOR } from './mentee-world.mjs';

const WORDS = {
  id: {
    search: 'Cari nama atau surel', mentor: 'Mentor', save: 'Simpan', makeLink: 'Buat tautan masuk', suspend: 'Tangguhkan akun', restore: 'Pulihkan akun', journal: 'Jurnal orang ini', more: 'Tampilkan lagi',
    hooks: 'Webhook', notOperator: 'Halaman ini untuk pengelola', roles: 'Peran diubah',
  },
  en: {
    search: 'Find by name or email', mentor: 'Mentor', save: 'Save', makeLink: 'Make a sign-in link', suspend: 'Suspend the account', restore: 'Restore the account', journal: 'Journal of this person', more: 'Show more',
    hooks: 'Webhooks', notOperator: 'This page is for operators', roles: 'Roles changed',
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
}
