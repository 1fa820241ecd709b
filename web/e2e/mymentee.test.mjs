/** MyMentee in Chromium before a stand-in server: a mentor's stories on a phone and on a desk, and an audit of access of every page. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { audit, button, context, mock, moreFrames, open, SCENES, sent, tab, told } from './mentee-page.mjs';
import { HEALTHY, SILENT } from './mentee-world.mjs';

const WORDS = {
  id: {
    set: 'Jadwalkan', cancel: 'Batalkan pelajaran', reason: /^Alasan/, now: 'Tayang sekarang', onTo: 'Lanjut ke siaran', makeKey: 'Buat kunci', once: /hanya tampak sekali/i,
    begin: 'Mulai pelajaran', chat: /Obrolan/, people: /Penonton/, room: /Ruang/, stage: /Siaran/, show: 'Tampilkan', pin: 'Sematkan', write: 'Tulis untuk semua', send: 'Kirim', out: /^Keluarkan/, onlyHere: /dari pelajaran ini\?$/, letIn: /Izinkan masuk/, done: 'Selesai',
    end: 'Akhiri pelajaran', back: /Sebentar lagi kembali/, comments: 'Komentar dibuka', addHere: /Tambah di posisi ini/, saveChapters: 'Simpan bab', correct: /^Koreksi/, accept: /^Terima/, decline: /^Tolak/,
    invite: 'Buat tautan undangan', newKey: 'Buat kunci baru', revoke: /^Cabut/, addHook: 'Tambah webhook', notMentor: 'Halaman ini untuk mentor', offline: /sedang luring/, password: 'Kata sandi', email: 'Surel', signIn: 'Masuk',
    mute: 'Bisukan', wholeLesson: 'Sepanjang pelajaran', unmute: 'Buka bisu', older: 'Tampilkan yang lebih lama', noSound: 'Tidak ada suara', own: /Kunci saya/, ready: 'Tautan undangan siap', title: 'Judul', watching: 'Hukum Newton di dapur',
  },
  en: {
    set: 'Set a lesson', cancel: 'Cancel the lesson', reason: /^Reason/, now: 'Go live now', onTo: 'On to the broadcast', makeKey: 'Make a key', once: /shown this once/i,
    begin: 'Begin the lesson', chat: /Chat/, people: /Viewers/, room: /Room/, stage: /Broadcast/, show: 'Show', pin: 'Pin', write: 'Write to everybody', send: 'Send', out: /^Send out/, onlyHere: /out of this lesson\?$/, letIn: /^Let in/, done: 'Done',
    end: 'End the lesson', back: /Back in a moment/, comments: 'Comments are open', addHere: /Add one here/, saveChapters: 'Save chapters', correct: /^Correct/, accept: /^Let in/, decline: /^Decline/,
    invite: 'Make an invitation link', newKey: 'Make a new key', revoke: /^Revoke/, addHook: 'Add a webhook', notMentor: 'This page is for mentors', offline: /offline/i, password: 'Password', email: 'Email', signIn: 'Sign in',
    mute: 'Mute', wholeLesson: 'The whole lesson', unmute: 'Unmute', older: 'Show earlier ones', noSound: 'There is no sound', own: /My keys/, ready: 'The invitation link is ready', title: 'Title', watching: 'Hukum Newton di dapur',
  },
};

/** The dashboard of a lesson whose broadcast is well. */
const openLive = (scene) => open('/lessons/l-live/live', scene, { change: (world) => (world.health = HEALTHY) });

for (const scene of SCENES) {
  const words = WORDS[scene.lang];

  describe(`schedule (${scene.name})`, () => {
    test('what is live comes first, then the days, the week and what is over', async () => {
      const page = await open('/', scene);
      const cards = page.locator('.slot h3');
      await cards.first().waitFor();
      assert.equal(await cards.first().innerText(), words.watching);
      assert.equal(await page.locator('.slot').first().getByRole('link').last().getAttribute('href'), '/mymentee/lessons/l-live/live');
      await page.locator('.segment').nth(1).click();
      await page.locator('.week-day').first().waitFor();
      assert.equal(await page.locator('.week-day').count(), 7);
      await page.locator('.segment').nth(2).click();
      await page.locator('.slot').first().waitFor();
      assert.deepEqual(await page.locator('.slot h3').allInnerTexts(), ['Energi dan usaha', 'Besaran dan satuan']);
    });

    test('a weekly lesson shows its dates before it is set', async () => {
      const page = await open('/lessons/new', scene);
      const form = page.locator('form');
      await form.locator('button[type=submit]').click();
      await page.waitForFunction(() => document.activeElement?.getAttribute('aria-invalid') === 'true');
      assert.equal(await page.locator('[aria-invalid=true]').count(), 1);
      await page.getByLabel(words.title, { exact: true }).fill('Optika');
      await page.locator('input[type=date]').fill('2027-03-01');
      await page.locator('input[type=time]').fill('19:30');
      await page.locator('input[type=number]').nth(1).fill('3');
      assert.equal(await page.locator('.preview li').count(), 3);
      await form.locator('button[type=submit]').click();
      const { body } = await told('POST /lessons');
      assert.deepEqual([body.title, body.starts_at, body.ends_at, body.repeat_weeks, body.zone], ['Optika', '2027-03-01T12:30:00.000Z', '2027-03-01T14:00:00.000Z', 3, 'Asia/Jakarta']);
      await page.waitForURL(/\/mymentee\/$/);
      await page.locator('.toast').waitFor();
    });

    test('one is cancelled with a reason, and not without', async () => {
      const page = await open('/lessons/l-later', scene);
      await button(page, words.cancel).click();
      const dialog = page.getByRole('dialog');
      await button(dialog, words.cancel).click();
      await dialog.locator('[aria-invalid=true]').waitFor();
      await dialog.getByLabel(words.reason).fill('Mentor sakit');
      await button(dialog, words.cancel).click();
      assert.deepEqual((await told('POST /lessons/l-later/cancel')).body, { reason: 'Mentor sakit' });
      await page.locator('.lamp-chip[data-state=cancelled]').waitFor();
    });

    test('a change goes to all that follow when it is asked for', async () => {
      const page = await open('/lessons/l-next/edit', scene);
      await page.getByLabel(words.title, { exact: true }).fill('Bunyi saja');
      await page.locator('form select').last().selectOption('following');
      await page.locator('form button[type=submit]').click();
      const { body, query } = await told('PATCH /lessons/l-next');
      assert.deepEqual([body, query], [{ title: 'Bunyi saja' }, 'series=following']);
    });
  });

  describe(`broadcast (${scene.name})`, () => {
    test('going live now makes a lesson and leads to the broadcast', async () => {
      const page = await open('/', scene);
      await button(page, words.now).click();
      await button(page.getByRole('dialog'), words.onTo).click();
      const { body } = await told('POST /lessons');
      assert.equal(body.title, 'Fisika dasar');
      assert.ok(Math.abs(Date.parse(body.starts_at) - Date.now()) < 90_000);
      await page.waitForURL(/\/publish$/);
    });

    test('going live now after an answer that was lost is the same lesson, once', async () => {
      const page = await open('/', scene);
      mock.world.lost = 'POST /lessons';
      const known = mock.world.lessons.length;
      await button(page, words.now).click();
      const dialog = page.getByRole('dialog');
      await button(dialog, words.onTo).click();
      await dialog.locator('.form-error:not(:empty)').waitFor();
      mock.world.lost = null;
      await button(dialog, words.onTo).click();
      await page.waitForURL(/\/publish$/);
      assert.equal(mock.world.lessons.length, known + 1);
    });

    test('a key is shown once, checks turn green as media comes, and the lesson begins', async () => {
      const page = await open('/lessons/l-next/publish', scene);
      assert.deepEqual(await page.locator('.checks li').evaluateAll((rows) => rows.map((row) => row.dataset.state)), ['wait', 'wait', 'wait', 'wait']);
      await button(page, words.makeKey).click();
      await page.getByText('kunci-uji-1-aB3d').waitFor();
      await page.getByText(words.once).first().waitFor();
      mock.world.health = { ...HEALTHY, audio: null };
      await page.locator('.checks li[data-check=sound][data-state=amiss]').waitFor();
      await page.getByText(words.noSound).waitFor();
      mock.world.health = HEALTHY;
      await page.waitForFunction(() => document.querySelectorAll('.checks li[data-state=good]').length === 4);
      await page.reload();
      await page.locator('.key-part').waitFor();
      assert.equal(await page.getByText('kunci-uji-1-aB3d').count(), 0);
      await button(page, words.begin).click();
      await told('POST /lessons/l-next/start');
      await page.waitForURL(/\/live$/);
    });

    test('tabs are walked with arrows, and the own key is listed by its end alone', async () => {
      const page = await open('/lessons/l-next/publish', scene);
      await page.getByRole('tab').first().focus();
      await page.keyboard.press('End');
      assert.equal(await tab(page, words.own).getAttribute('aria-selected'), 'true');
      await page.getByText('…q7Zt').waitFor();
    });
  });

  describe(`dashboard (${scene.name})`, () => {
    test('shows pictures, figures, people, hands and reactions', async () => {
      const page = await openLive(scene);
      await moreFrames(page, 20);
      await page.getByText('1280 × 720').waitFor();
      await page.locator('.hands').getByText('Peserta Lima').waitFor();
      assert.match(await page.locator('.reactions').innerText(), /41/);
      await button(page.locator('.hands'), new RegExp('Peserta Lima')).click();
      await told('DELETE /lessons/l-live/hands/u-5');
      await page.locator('.hands').getByText('Peserta Lima').waitFor({ state: 'detached' });
      await tab(page, words.people).click();
      await page.locator('.people').getByText('Peserta Enam', { exact: true }).waitFor();
    });

    test('comments are shown, pinned and written', async () => {
      const page = await openLive(scene);
      await tab(page, words.chat).click();
      await button(page.locator('.chat-held'), words.show).click();
      assert.deepEqual((await told('PATCH /lessons/l-live/comments/k-5')).body, { state: 'shown' });
      await page.locator('.chat-held').waitFor({ state: 'detached' });
      await page.locator('.chat-list .comment').nth(1).getByRole('button').click();
      await button(page.locator('.comment-acts'), words.pin).click();
      await page.locator('.chat-pinned .comment').nth(1).waitFor();
      await page.getByLabel(words.write).fill('Halo semua');
      await page.keyboard.press('Enter');
      await page.locator('.chat-list').getByText('Halo semua').waitFor();
    });

    test('somebody is sent out with a reason, and let in again', async () => {
      const page = await openLive(scene);
      await tab(page, words.people).click();
      await page.locator('.people').getByText('LL-HLS').first().waitFor();
      await button(page.locator('.people'), words.out).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByRole('heading', { name: words.onlyHere }).waitFor();
      await dialog.getByLabel(words.reason).fill('Mengganggu');
      await button(dialog, words.out).click();
      assert.deepEqual((await told('PUT /lessons/l-live/bans/u-1')).body, { reason: 'Mengganggu' });
      await page.locator('.people').getByRole('button', { name: words.letIn }).click();
      await told('DELETE /lessons/l-live/bans/u-1');
    });

    test('who was sent out or muted elsewhere is known here, and is let in again; a mute ends by itself', async () => {
      const page = await open('/lessons/l-live/live', scene, {
        change: (world) => {
          const until = (ms) => new Date(Date.now() + ms).toISOString();
          world.bans = [{ user: { id: 'u-8', name: 'Peserta Delapan' }, reason: 'Iklan', since_at: until(-60_000) }];
          world.mutes = [{ user: { id: 'u-7', name: 'Peserta Tujuh' }, muted_until_at: until(3_600_000) }, { user: { id: 'u-6', name: 'Yang Dibisukan Sebentar' }, muted_until_at: until(4_000) }];
        },
      });
      await tab(page, words.people).click();
      await page.locator('.people').getByText('Peserta Tujuh', { exact: true }).waitFor();
      await page.locator('.people').getByText('Iklan').waitFor();
      await page.getByText('Yang Dibisukan Sebentar', { exact: true }).waitFor({ state: 'detached' });
      await page.locator('.people').getByRole('button', { name: words.letIn }).click();
      await told('DELETE /lessons/l-live/bans/u-8');
      await page.getByText('Iklan').waitFor({ state: 'detached' });
    });

    test('somebody is muted for as long as is chosen', async () => {
      const page = await openLive(scene);
      await tab(page, words.chat).click();
      await page.locator('.chat-list .comment').first().getByRole('button').click();
      await button(page.locator('.chat-list .comment-acts'), words.mute).click();
      await button(page.getByRole('dialog'), words.wholeLesson).click();
      assert.deepEqual((await told('PUT /lessons/l-live/mutes/u-1')).body, { minutes: 1_440 });
      await page.locator('.chat-list .comment').first().getByRole('button').click();
      await button(page.locator('.chat-list .comment-acts'), words.unmute).click();
      await told('DELETE /lessons/l-live/mutes/u-1');
    });

    test('a long chat draws its end, and more when it is asked for', async () => {
      const page = await open('/lessons/l-live/live', scene, {
        change: (world) => {
          world.health = HEALTHY;
          world.room.comments = Array.from({ length: 59 }, (_, at) => ({ ...world.room.comments[0], id: `k-${at + 1}`, seq: at + 1, pinned: false }));
        },
      });
      await tab(page, words.chat).click();
      await page.locator('.chat-list .comment').nth(40).waitFor();
      for (let from = 60; from < 400; from += 60) {
        mock.say('l-live', ...Array.from({ length: 60 }, (_, at) => ({ t: 'comment', ...mock.world.room.comments[0], id: `k-${from + at}`, seq: from + at, body: `nomor ${from + at}` })));
      }
      await page.locator('.chat-list').getByText('nomor 419', { exact: true }).waitFor();
      assert.equal(await page.locator('.chat-list .comment').count(), 150);
      await button(page.locator('.chat-list'), words.older).click();
      await page.waitForFunction(() => document.querySelectorAll('.chat-list .comment').length === 300);
    });

    test('comments are closed at once', async () => {
      const page = await openLive(scene);
      await tab(page, words.room).click();
      await page.getByLabel(words.comments).click();
      assert.deepEqual((await told('PATCH /lessons/l-live')).body, { comments_on: false });
    });

    test('a broadcast that is cut says that it comes back, and goes on by itself', async () => {
      const page = await openLive(scene);
      await page.locator('.chat, .health').first().waitFor();
      await page.locator('.stage[data-frames]').waitFor();
      mock.world.health = SILENT;
      mock.say('l-live', { t: 'lesson', state: 'live', on_air: false, stalled: true });
      await page.locator('.mood').getByText(words.back).waitFor();
      mock.world.health = HEALTHY;
      mock.say('l-live', { t: 'lesson', state: 'live', on_air: true, stalled: false });
      await page.locator('.health[data-mood=good]').waitFor();
      await moreFrames(page, 10);
    });

    test('the lesson ends after a question, and leads to its recording', async () => {
      const page = await openLive(scene);
      await button(page, words.end).click();
      await button(page.getByRole('dialog'), words.end).click();
      await page.waitForURL(/\/recording$/);
      // Once: the question alone told the server nothing.
      assert.equal(sent('POST /lessons/l-live/end').length, 1);
    });
  });

  describe(`afterwards (${scene.name})`, () => {
    test('a recording plays, and its chapters are kept', async () => {
      const page = await open('/lessons/l-ended/recording', scene);
      await moreFrames(page, 20);
      await page.locator('.chapters').waitFor();
      // A chapter at the beginning is there already.
      await page.locator('.chapters').getByRole('button', { name: /0:0[1-3]$/ }).click();
      await button(page.locator('.chapters'), words.saveChapters).click();
      await page.locator('.chapter-note').waitFor();
      const title = page.locator('.chapter-title input[aria-invalid=true]');
      await title.fill('Percobaan gelas');
      await button(page.locator('.chapters'), words.saveChapters).click();
      const { body } = await told('PUT /lessons/l-ended/chapters');
      assert.equal(body.length, 3);
      assert.ok(body.some((one) => one.title === 'Percobaan gelas'));
    });

    test('attendance is corrected with a reason', async () => {
      const page = await open('/lessons/l-ended/attendance', scene);
      const row = page.getByRole('row').filter({ hasText: 'Peserta Lima' });
      await button(row, words.correct).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel(words.reason).fill('Hadir di kelas');
      await dialog.locator('button[type=submit]').click();
      assert.deepEqual((await told('PATCH /lessons/l-ended/attendance/u-5')).body, { decision: 'present', reason: 'Hadir di kelas' });
      await row.locator('.presence[data-present=true]').waitFor();
    });
  });

  describe(`courses and tools (${scene.name})`, () => {
    test('requests are let in or declined', async () => {
      const page = await open('/courses/c-fisika?part=people', scene);
      await page.getByRole('button', { name: words.accept }).first().click();
      assert.deepEqual((await told('PATCH /courses/c-fisika/enrolments/u-8')).body, { state: 'active' });
      await page.getByRole('button', { name: words.decline }).first().click();
      assert.deepEqual((await told('PATCH /courses/c-fisika/enrolments/u-9')).body, { state: 'declined' });
    });

    test('an invitation is shown once, with a code to scan', async () => {
      const page = await open('/courses/c-fisika?part=invite', scene);
      await button(page, words.invite).click();
      await page.getByText(words.ready).waitFor();
      await page.locator('svg.qr path').waitFor();
      assert.match(await page.locator('.copy-value').innerText(), /invitation=/);
    });

    test('own keys are made and revoked', async () => {
      const page = await open('/keys', scene);
      await button(page, words.newKey).click();
      await page.getByText('kunci-tetap-uji-Xw9k').waitFor();
      await page.getByRole('button', { name: words.revoke }).last().click();
      await page.getByRole('dialog').getByRole('button', { name: words.revoke }).click();
      await told('DELETE /me/keys/y-2');
      await page.getByText('kunci-tetap-uji-Xw9k').waitFor({ state: 'detached' });
    });

    test('a webhook’s secret is shown once, and a delivery is sent again', async () => {
      const page = await open('/webhooks/new', scene);
      await page.locator('input[type=url]').fill('https://contoh.id/baru');
      await button(page, words.addHook).click();
      await page.getByText('rahasia-uji-0123456789abcdef').waitFor();
      await page.locator('main a.button').click();
      await page.locator('.people .chip').nth(1).click();
      await told('POST /webhooks/w-2/deliveries/d-2/replay');
    });

    test('a person who is no mentor is led to MyMentor', async () => {
      const page = await open('/', scene, { change: (world) => (world.user = { ...world.user, is_mentor: false, roles: ['mentee'] }) });
      await page.getByRole('heading', { name: words.notMentor }).waitFor();
      assert.equal(await page.locator('main a.button').getAttribute('href'), '/mymentor/');
    });

    test('signing in leads to where one wanted to go', async () => {
      const page = await open('/courses', scene, { change: (world) => (world.user = null) });
      await page.waitForURL(/sign-in/);
      await page.getByLabel(words.email).fill('mentor@contoh.id');
      await page.locator('input[type=password]').fill('sandi rahasia');
      await button(page, words.signIn).click();
      await page.waitForURL(/\/courses$/);
    });

    test('without a network it says so, keeps what was typed, and goes on', async () => {
      const page = await open('/lessons/new', scene);
      await page.getByLabel(words.title, { exact: true }).fill('Optika');
      await context.setOffline(true);
      await page.locator('.banner').getByText(words.offline).waitFor();
      await page.locator('form button[type=submit]').click();
      await page.locator('.form-error').first().waitFor();
      assert.equal(await page.getByLabel(words.title, { exact: true }).inputValue(), 'Optika');
      await context.setOffline(false);
      await page.locator('form button[type=submit]').click();
      await told('POST /lessons');
    });
  });
}

test('once opened it opens without a network', async () => {
  const page = await open('/', SCENES[0], { serviceWorkers: 'allow' });
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await page.waitForFunction(async () => (await caches.keys()).some((name) => name.startsWith('mymentee-')));
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  await context.setOffline(true);
  await page.reload();
  await page.locator('.brand-name').waitFor();
  await page.getByText(WORDS.id.offline).first().waitFor();
});

const PAGES = [
  '/', '/?view=week', '/?view=past', '/lessons/new', '/lessons/l-next', '/lessons/l-next/edit', '/lessons/l-next/publish', '/lessons/l-live/live', '/lessons/l-ended/recording',
  '/lessons/l-ended/attendance', '/courses', '/courses/new', '/courses/c-fisika', '/courses/c-fisika?part=people', '/courses/c-fisika?part=invite', '/courses/c-fisika?part=settings',
  '/page', '/keys', '/webhooks', '/webhooks/new', '/webhooks/w-1', '/notices', '/settings', '/nowhere',
];

/** What is seen only after something was done: name, path, and the deed. */
const DEEDS = [
  ['chat', '/lessons/l-live/live', (page, words) => tab(page, words.chat).click()],
  ['what to do with a comment', '/lessons/l-live/live', async (page, words) => {
    await tab(page, words.chat).click();
    await page.locator('.chat-list .comment').first().getByRole('button').click();
  }],
  ['viewers', '/lessons/l-live/live', (page, words) => tab(page, words.people).click()],
  ['muting', '/lessons/l-live/live', async (page, words) => {
    await tab(page, words.chat).click();
    await page.locator('.chat-list .comment').first().getByRole('button').click();
    await button(page.locator('.chat-list .comment-acts'), words.mute).click();
  }],
  ['room', '/lessons/l-live/live', (page, words) => tab(page, words.room).click()],
  ['go live now', '/', (page, words) => button(page, words.now).click()],
  ['cancelling', '/lessons/l-later', (page, words) => button(page, words.cancel).click()],
  ['a new key', '/lessons/l-next/publish', (page, words) => button(page, words.makeKey).click()],
  ['an invitation', '/courses/c-fisika?part=invite', (page, words) => button(page, words.invite).click()],
  ['a correction', '/lessons/l-ended/attendance', (page, words) => button(page.locator('.sheet'), words.correct).click()],
];

const audited = (path, scene) => open(path, scene, { bypassCSP: true, reducedMotion: 'reduce', change: (world) => (world.health = { ...HEALTHY, audio: null }) });

describe('every page passes the audit and fits', () => {
  for (const scene of SCENES) {
    for (const path of PAGES) {
      test(`${path} (${scene.name})`, async () => audit(await audited(path, scene), scene));
    }
    for (const [name, path, act] of DEEDS) {
      test(`${name} (${scene.name})`, async () => {
        const page = await audited(path, scene);
        await act(page, WORDS[scene.lang]);
        await audit(page, scene);
      });
    }
  }
});
