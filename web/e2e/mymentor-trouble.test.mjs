/** MyMentor where things go wrong or much happens: lost answers, locked phones, busy rooms, weak networks, no network, pushes. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { launch } from './browser.mjs';
import { apps, asked, askedFor, auditPage, context, DESK, heading, open, plays, until, WAIT_MS } from './mymentor-page.mjs';
import { EMAIL, PASSWORD } from './world.mjs';

describe('at a shared computer', () => {
  const press = (page, name) => page.getByRole('button', { name, exact: true }).click();
  const answers = () => asked('POST', 'session/link').map(({ body }) => body.keep_password);
  const NAMES = {
    id: { act: 'Masuk sekarang', question: /Apakah Anda sendiri yang mengetiknya\?$/, mine: 'Ya, pakai itu dan masuk', another: 'Bukan, buat kata sandi lain' },
    en: { act: 'Sign in now', question: /Did you type it yourself\?$/, mine: 'Yes, keep it and sign in', another: 'No, choose another password' },
  };

  for (const { lang, viewport, colorScheme } of [{ lang: 'id', colorScheme: 'light' }, { lang: 'en', viewport: DESK, colorScheme: 'dark' }]) {
    test(`who typed the password is asked where the focus goes, and an Enter out of habit answers nothing (${lang})`, async () => {
      const { act, question, mine, another } = NAMES[lang];
      const page = await open(`link?lang=${lang}#tautan-diketik`, { world: {}, colorScheme, bypassCSP: true, ...(viewport === undefined ? {} : { viewport }) });
      await page.getByRole('button', { name: act, exact: true }).focus();
      await page.keyboard.press('Enter');
      await page.getByText(question).waitFor();
      await page.keyboard.press('Enter');
      assert.match(await page.evaluate(() => document.activeElement?.textContent ?? ''), question);
      await page.getByRole('group', { name: question }).waitFor();
      await auditPage(page);
      // Neither is stronger, and the one that costs nothing comes first.
      const buttons = page.locator('main button');
      assert.deepEqual(await buttons.allInnerTexts(), [another, mine]);
      assert.equal(new Set(await buttons.evaluateAll((all) => all.map(({ className }) => className))).size, 1);
      await page.keyboard.press('Tab');
      assert.equal(await page.evaluate(() => document.activeElement?.textContent), another);
      assert.deepEqual(answers(), [undefined]);
    });
  }

  test('who typed the password keeps it, also after an answer that did not come', async () => {
    const page = await open('link#tautan-diketik', { world: {} });
    await press(page, NAMES.id.act);
    await page.getByText(NAMES.id.question).waitFor();
    apps.fail(true);
    await press(page, NAMES.id.mine);
    // It is still the question: nothing has to be asked anew.
    await page.locator('.form-error').getByText(/./).waitFor();
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), NAMES.id.mine);
    apps.fail(false);
    await press(page, NAMES.id.mine);
    await heading(page, 'Halo, Peserta');
    assert.deepEqual([answers().at(0), answers().at(-1)], [undefined, true]);
    assert.ok(!answers().includes(false));
  });

  test('who did not chooses another', async () => {
    const page = await open('link#tautan-diketik', { world: {} });
    await press(page, NAMES.id.act);
    await press(page, NAMES.id.another);
    await page.getByLabel('Kata sandi baru', { exact: true }).waitFor();
    assert.deepEqual(answers(), [undefined, false]);
  });

  test('the password of a new account is gone once it is sent; name and address stay', async () => {
    const page = await open('create-account', { world: {} });
    const password = page.getByLabel('Kata sandi', { exact: true });
    await page.getByLabel('Nama').fill('Peserta Baru');
    await page.getByLabel('Surel').fill('baru@contoh.id');
    await password.fill('rahasia saya sendiri');
    await press(page, 'Tampilkan kata sandi');
    await press(page, 'Buat akun');
    await page.getByText('Tinggal satu langkah').waitFor();
    assert.equal(await page.locator('input[autocomplete="new-password"]').inputValue(), '');
    await press(page, 'Salah alamat? Ubah');
    await password.waitFor();
    assert.equal(await page.getByLabel('Nama').inputValue(), 'Peserta Baru');
    assert.equal(await page.getByLabel('Surel').inputValue(), 'baru@contoh.id');
    assert.equal(await password.inputValue(), '');
    // What the next person types is not shown to the room because somebody before wanted to see theirs.
    assert.equal(await password.getAttribute('type'), 'password');
    await press(page, 'Buat akun');
    await page.waitForFunction(() => document.activeElement?.getAttribute('autocomplete') === 'new-password');
    assert.equal(asked('POST', 'accounts').length, 1);
  });
});

describe('the right to play', () => {
  /** Marks the picture, so that another can be told from it. */
  const mark = (page) => page.evaluate(() => document.querySelector('video').setAttribute('data-first', ''));
  const isFirst = (page) => page.evaluate(() => document.querySelector('video')?.hasAttribute('data-first') === true);

  test('costs no picture when the answers to its renewals are lost', async () => {
    const page = await open('lessons/l-live', { world: { signedIn: true, refreshMs: 1_000, losesAnswers: /refresh$/ } });
    await plays(page);
    await mark(page);
    // The browser itself repeats what was cut on a connection that it had: such a repetition is refused, and no refusal to play.
    const keys = () => asked('POST', /refresh$/).map(({ headers }) => headers['idempotency-key']);
    await until(() => new Set(keys()).size > 1, 'another key');
    apps.world.losesAnswers = /(?!)/;
    await askedFor('POST', /refresh$/, keys().length + 2);
    assert.equal(await isFirst(page), true);
    await plays(page);
  });

  test('that ran out while the phone was locked is had again: a live lesson goes on with its sound', async () => {
    const page = await open('lessons/l-live', { world: { signedIn: true, refreshMs: 1_000 } });
    await plays(page);
    await page.getByRole('button', { name: 'Nyalakan suara' }).first().click();
    await page.waitForFunction(() => document.querySelector('video').muted === false);
    await mark(page);
    apps.world.forgets = true;
    await askedFor('POST', 'lessons/l-live/playback', 2);
    apps.world.forgets = false;
    await askedFor('POST', /^playbacks\/pb-l-live-[2-9]\/refresh$/);
    assert.equal(await isFirst(page), true);
    assert.equal(await page.evaluate(() => document.querySelector('video').muted), false);
    await plays(page);
  });

  test('to other addresses is another viewing, which goes on where the one before was', async () => {
    const page = await open('lessons/l-past', { world: { signedIn: true, refreshMs: 1_000 } });
    await plays(page);
    await page.getByLabel('Posisi rekaman').fill('20');
    await page.waitForFunction(() => document.querySelector('video').currentTime >= 20);
    await mark(page);
    apps.world.moved = '?elsewhere';
    apps.world.forgets = true;
    await page.waitForFunction(() => document.querySelector('video')?.hasAttribute('data-first') === false);
    apps.world.forgets = false;
    await page.waitForFunction(() => (document.querySelector('video')?.currentTime ?? 0) >= 20);
    assert.ok(asked('PUT', 'lessons/l-past/position').every(({ body }) => body.at_ms > 0));
  });

  test('that is not to be had says why: a lesson that is full is waited for', async () => {
    const page = await open('lessons/l-live', { world: { signedIn: true, playback: 409, playbackCode: 'full' } });
    await page.getByText('Pelajaran ini sedang penuh').waitFor();
    apps.world.playback = 201;
    await plays(page);
  });

  test('to a lesson that is no more is the page\'s business', async () => {
    const page = await open('lessons/l-live');
    await plays(page);
    apps.world.lessons = apps.world.lessons.filter(({ id }) => id !== 'l-live');
    apps.rooms.dismiss(4001);
    await page.getByRole('alert').getByText('Tidak ditemukan.').waitFor();
    assert.equal(await page.locator('video').count(), 0);
  });

  test('is given back by a beacon when the page is left', async () => {
    const page = await open('lessons/l-live');
    await plays(page);
    await page.goto('about:blank');
    await askedFor('POST', /^playbacks\/pb-l-live-\d+\/end$/);
  });
});

describe('a busy room', () => {
  test('leaves in place what one reads further up, and says how much came', async () => {
    const page = await open('lessons/l-live', { viewport: DESK });
    const log = page.getByRole('log');
    await log.getByText('Kita coba sekarang juga.').waitFor();
    for (let n = 0; n < 60; n += 1) apps.rooms.say('Peserta Ramai', `Kalimat nomor ${n}`);
    await log.getByText('Kalimat nomor 59', { exact: true }).waitFor();
    await log.evaluate((list) => list.scrollTo({ top: 0 }));
    await log.getByText('Suaranya jernih dari sini.').waitFor();
    const top = await log.evaluate((list) => list.firstElementChild?.textContent);
    for (let n = 60; n < 260; n += 1) apps.rooms.say('Peserta Ramai', `Kalimat nomor ${n}`);
    const button = page.getByRole('button', { name: '200 komentar baru' });
    await button.waitFor();
    assert.equal(await log.evaluate((list) => list.firstElementChild?.textContent), top);
    assert.equal(await log.getAttribute('aria-live'), 'off');
    await button.click();
    await log.getByText('Kalimat nomor 259', { exact: true }).waitFor();
    assert.ok((await log.locator('.comment').count()) <= 150);
  });

  test('shows all that is pinned, in the order in which it was said', async () => {
    const page = await open('lessons/l-live', { world: { signedIn: true, pinned: ['k-6', 'k-3', 'k-1'] } });
    const pinned = page.getByRole('group', { name: 'Disematkan' });
    await pinned.waitFor();
    assert.deepEqual(await pinned.locator('strong').allInnerTexts(), ['Peserta Dua', 'Mentor Satu', 'Mentor Satu']);
  });

  test('says that a hand was not taken, and takes it down again', async () => {
    const page = await open('lessons/l-live');
    await page.getByRole('log').getByText('Halo dari Makassar!').waitFor();
    await page.getByRole('button', { name: 'Angkat tangan' }).click();
    await until(() => apps.world.hand === true, 'no hand went up');
    apps.rooms.tell({ t: 'refused', client_id: null, code: 'too-fast', retry_after_ms: 1_000 });
    await page.getByText('Terlalu cepat. Tunggu sebentar, lalu coba lagi.').waitFor();
    await page.getByRole('button', { name: 'Angkat tangan' }).waitFor();
  });
});

describe('a recording', () => {
  test('goes on where one was, with comments in time, chapters and speed', async () => {
    const page = await open('lessons/l-past', { viewport: DESK, world: { signedIn: true, positions: { 'l-past': 20_000 } } });
    await page.getByText('Dilanjutkan dari 0:20.').waitFor();
    await page.waitForFunction(() => (document.querySelector('video')?.currentTime ?? 0) > 20);
    await page.getByText('Kita coba sekarang juga.').waitFor();
    await page.getByRole('button', { name: /Laju dan kecepatan/ }).click();
    await page.waitForFunction(() => (document.querySelector('video')?.currentTime ?? 99) < 8);
    await page.getByText('Kita coba sekarang juga.').waitFor({ state: 'detached' });
    await page.getByLabel('Kecepatan').selectOption('2');
    await page.waitForFunction(() => document.querySelector('video')?.playbackRate === 2);
    await page.getByRole('link', { name: 'Beranda' }).click();
    const { body } = await askedFor('PUT', 'lessons/l-past/position');
    assert.ok(body.at_ms > 2_000);
    await askedFor('DELETE', /^playbacks\/pb-l-past-/);
    assert.equal(await page.locator('video').count(), 0);
  });
});

describe('quality', () => {
  const fetched = (page) => page.evaluate(() => performance.getEntriesByType('resource').filter(({ name }) => name.includes('.m3u8?')).length);

  test('is the lowest for who saves data, until another is chosen', async () => {
    const page = await open('', { viewport: DESK, world: { signedIn: true, master: 'two.m3u8' } });
    await page.addInitScript(() => Object.defineProperty(navigator, 'connection', { value: { saveData: true } }));
    await page.goto(`${apps.url}/mymentor/lessons/l-past`);
    await plays(page);
    const choice = page.getByLabel('Kualitas');
    assert.equal(await choice.inputValue(), '0');
    assert.deepEqual((await choice.locator('option').allInnerTexts()).map((one) => one.split(' ')[0]), ['Otomatis', '180p', '360p']);
    assert.ok((await fetched(page)) > 0);
    await choice.selectOption('1');
    assert.equal(await choice.inputValue(), '1');
    await plays(page, 2);
  });

  test('is no question where there is but one', async () => {
    const page = await open('lessons/l-past');
    await plays(page);
    assert.equal(await page.getByLabel('Kualitas').count(), 0);
  });
});

describe('without a network', () => {
  test('the app opens, says that it is offline, and goes on by itself', async () => {
    const page = await open('', { serviceWorkers: 'allow' });
    await heading(page, 'Halo, Peserta');
    await page.evaluate(async () => {
      await navigator.serviceWorker.ready;
    });
    await context.setOffline(true);
    await page.reload();
    await page.getByText('Perangkat ini sedang luring.').waitFor();
    await context.setOffline(false);
    await heading(page, 'Halo, Peserta');
  });

  test('a server that is down is told and found again', async () => {
    const page = await open('');
    await heading(page, 'Halo, Peserta');
    apps.fail(true);
    await page.getByRole('link', { name: 'Mentor', exact: true }).click();
    await page.locator('.banner').getByText('Server belum menjawab.').waitFor();
    apps.fail(false);
    await page.locator('.banner').getByText('Tersambung kembali.').waitFor();
  });

  test('a push that comes again makes neither a second line nor a sound', async (t) => {
    // Workers, pushes and notifications are the whole browser's: this one is its own.
    const within = await launch();
    t.after(() => within.close());
    const page = await open('', { within, serviceWorkers: 'allow', permissions: ['notifications'] });
    await heading(page, 'Halo, Peserta');
    // Ready is not yet active: what is pushed to a worker that is about to be is lost.
    await page.waitForFunction(() => navigator.serviceWorker.controller?.state === 'activated');
    const client = await context.newCDPSession(page);
    const registered = new Promise((resolve) => {
      client.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
        if (registrations.length > 0) resolve(registrations[0].registrationId);
      });
    });
    await client.send('ServiceWorker.enable');
    const registrationId = await registered;
    const push = (id) =>
      client.send('ServiceWorker.deliverPushMessage', {
        origin: apps.url, registrationId,
        data: JSON.stringify({ id, kind: 'lesson_soon', title: 'Gaya dan gesekan', body: 'Mulai 15 menit lagi.', url: '/mymentor/lessons/l-soon' }),
      });
    // Chromium forgets a notification that is asked for while it is being shown: the worker is watched instead.
    const [worker] = context.serviceWorkers();
    await worker.evaluate(() => {
      const show = self.registration.showNotification.bind(self.registration);
      self.shown = [];
      self.registration.showNotification = async (title, options) => {
        await show(title, options);
        self.shown.push(`${options.tag} ${title}${options.silent === true ? ', silently' : ''}`);
      };
    });
    const noted = () => page.evaluate(() => new Promise((resolve, reject) => {
      const opening = indexedDB.open('tayang-pushes', 1);
      opening.addEventListener('error', () => reject(opening.error));
      opening.addEventListener('success', () => {
        const keys = opening.result.transaction('shown').objectStore('shown').getAllKeys();
        keys.addEventListener('error', () => reject(keys.error));
        keys.addEventListener('success', () => {
          opening.result.close();
          resolve(keys.result);
        });
      });
    }));
    const becomes = async (look, wanted) => {
      let found;
      for (const end = Date.now() + WAIT_MS; JSON.stringify((found = await look())) !== JSON.stringify(wanted); ) assert.ok(Date.now() < end, `${JSON.stringify(found)} is not ${JSON.stringify(wanted)}`);
    };
    const shown = () => worker.evaluate(() => self.shown);
    await push('kabar-1');
    await becomes(shown, ['kabar-1 Gaya dan gesekan']);
    // It is noted behind the showing: only then is one that comes again known.
    await becomes(noted, ['kabar-1']);
    // Pushes that show nothing cost the subscription: it takes its own place, and makes no sound.
    await push('kabar-1');
    await becomes(shown, ['kabar-1 Gaya dan gesekan', 'kabar-1 Gaya dan gesekan, silently']);
    await push('kabar-2');
    await becomes(shown, ['kabar-1 Gaya dan gesekan', 'kabar-1 Gaya dan gesekan, silently', 'kabar-2 Gaya dan gesekan']);
  });

  test('a tap on news goes there, also from a page at its sign-in that does not listen', async () => {
    const page = await open('sign-in', { world: {}, serviceWorkers: 'allow' });
    await heading(page, 'Masuk ke MyMentor');
    await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
    const [worker] = context.serviceWorkers();
    const tap = (path) => worker.evaluate((url) => {
      const event = new Event('notificationclick');
      Object.assign(event, { notification: { close: () => undefined, data: { url } }, waitUntil: () => undefined });
      self.dispatchEvent(event);
    }, `${apps.url}/mymentor/${path}`);
    await tap('lessons/l-soon');
    await page.waitForURL(/sign-in\?next=%2Flessons%2Fl-soon$/);
    await page.getByLabel('Surel').fill(EMAIL);
    await page.getByLabel('Kata sandi', { exact: true }).fill(PASSWORD);
    await page.getByRole('button', { name: 'Masuk', exact: true }).click();
    await page.getByText('Ruang tunggu').waitFor();
    await page.evaluate(() => Object.assign(window, { stays: true }));
    await tap('mentors');
    await heading(page, 'Mentor');
    assert.equal(await page.evaluate(() => window.stays), true);
  });
});
