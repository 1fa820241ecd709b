/** MyMentee in Chromium before a stand-in server: operators, tools, and what happens when things go wrong. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { audit, button, mock, open, SCENES, sent, settled, smallTargets, told } from './mentee-page.mjs';
import { OPERATOR } from './mentee-world.mjs';

const WORDS = {
  id: {
    search: 'Cari nama atau surel', mentor: 'Mentor', save: 'Simpan', makeLink: 'Buat tautan masuk', suspend: 'Tangguhkan akun', restore: 'Pulihkan akun', journal: 'Jurnal orang ini', more: 'Tampilkan lagi',
    pause: 'Jeda pengiriman', showCalendar: 'Tampilkan alamat', withdraw: 'Cabut alamat', install: 'Pasang', refused: /dibatalkan atau ditolak/, providerFailed: /belum berhasil/, tooFar: /dua tahun ke depan/, people: /Penonton/, decline: /^Tolak/, remove: /^Keluarkan/, wholeCourse: /dari kursus\?$/, again: /^Terima lagi/, show: 'Tampilkan', hooks: 'Webhook', notYet: 'Rekaman muncul di sini setelah pelajaran selesai.', notMe: /^Akun sendiri tidak bisa/, operator: 'Pengelola', cancel: 'Batal', leave: 'Lepas peran pengelola', leaveText: /^Halaman pengelola langsung tertutup/, unconfirmed: /surel belum dikonfirmasi/, byShort: 'oleh …3f6a2b7c', lessonShort: 'Pelajaran …3f6a2b7c', serverKey: 'Kunci server playback', noneSuch: 'Tidak ada catatan yang cocok', noneYet: 'Belum ada catatan', showAll: 'Tampilkan semua', anyMentor: /pelajaran mentor mana pun/, peoplePart: 'Pengguna', noneInState: /^Tidak ada kiriman dengan keadaan ini/, notOperator: 'Halaman ini untuk pengelola', roles: 'Peran diubah',
  },
  en: {
    search: 'Find by name or email', mentor: 'Mentor', save: 'Save', makeLink: 'Make a sign-in link', suspend: 'Suspend the account', restore: 'Restore the account', journal: 'Journal of this person', more: 'Show more',
    pause: 'Pause sending', showCalendar: 'Show the address', withdraw: 'Withdraw the address', install: 'Install', refused: /called off or refused/, providerFailed: /did not work/, tooFar: /two years ahead/, people: /Viewers/, decline: /^Decline/, remove: /^Remove/, wholeCourse: /from the course\?$/, again: /again$/, show: 'Show', hooks: 'Webhooks', notYet: 'It will be here once the lesson is over.', notMe: /^Your own account cannot/, operator: 'Operator', cancel: 'Cancel', leave: 'Give up the role', leaveText: /^The pages for operators are closed/, unconfirmed: /email not confirmed/, byShort: 'by …3f6a2b7c', lessonShort: 'Lesson …3f6a2b7c', serverKey: 'Server key playback', noneSuch: 'Nothing fits', noneYet: 'Nothing noted', showAll: 'Show all', anyMentor: /lessons of any mentor/, peoplePart: 'People', noneInState: /^No delivery is in this state/, notOperator: 'This page is for operators', roles: 'Roles changed',
  },
};

const asOperator = (path, scene, options = {}) => open(path, scene, { ...options, change: (world) => (world.user = { ...OPERATOR, locale: scene.lang }) });

/** Where the focus is, as a page tells it: whether its middle is covered or outside, and whether it or a row around it is ringed. */
function focused() {
  const one = document.activeElement;
  if (one === null || one === document.body) return { at: 'nowhere' };
  if (one.closest('main') === null) return { at: 'elsewhere' };
  const { left, top, width, height } = one.getBoundingClientRect();
  const over = document.elementFromPoint(left + Math.min(width / 2, 20), top + height / 2);
  const rings = [one, one.closest('li, .card')].map((each) => (each === null ? 'none' : getComputedStyle(each).outlineStyle));
  return { at: 'main', where: one.outerHTML.slice(0, 120), hidden: over === null || over.closest('.menu') !== null, ring: rings.some((style) => style !== 'none') };
}

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
      await page.getByRole('status').filter({ hasText: scene.lang === 'id' ? '1 orang ditampilkan.' : '1 person shown.' }).waitFor();
      await page.getByRole('link', { name: 'Peserta Satu' }).click();
      await page.getByRole('switch', { name: words.mentor }).click();
      await button(page, words.save).click();
      assert.deepEqual((await told('PATCH /users/u-1')).body, { roles: ['mentee', 'mentor'] });
      await page.locator('.toast').waitFor();
    });

    test('a row of people leads to its person wherever it is touched, and what is long about them has the whole width', async () => {
      const page = await asOperator('/operator', scene, { bypassCSP: true, reducedMotion: 'reduce' });
      Object.assign(mock.world.users[1], { name: 'Raden Mas Bambang Hadikusumo Wiryatmaja', email: 'raden.mas.bambang.hadikusumo@sekolahmenengahatas.contoh.sch.id', roles: ['mentee', 'mentor', 'operator'], suspended_at: '2026-11-01T03:00:00.000Z' });
      await page.reload();
      const row = page.locator('.people > li').filter({ hasText: 'Raden Mas' });
      await row.waitFor();
      await audit(page, scene);
      const [whole, text] = [await row.boundingBox(), await row.locator('p').boundingBox()];
      assert.ok(text.width > whole.width - 80, `${text.width} of ${whole.width} px are for words`);
      await page.mouse.click(whole.x + whole.width - 8, whole.y + whole.height - 8);
      await page.getByRole('heading', { level: 1, name: /Raden Mas/ }).waitFor();
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

    test('what an operator cannot take back about themselves is asked first, and what they cannot do says why', async () => {
      const page = await asOperator('/operator/users/u-operator', scene, { bypassCSP: true, reducedMotion: 'reduce' });
      await page.getByText(words.notMe).waitFor();
      assert.ok(await button(page, words.suspend).isDisabled());
      await page.getByRole('switch', { name: words.mentor }).click();
      await page.getByRole('switch', { name: words.operator }).click();
      await button(page, words.save).click();
      await page.getByRole('dialog').getByText(words.leaveText).waitFor();
      await audit(page, scene);
      await button(page.getByRole('dialog'), words.cancel).click();
      await page.getByRole('dialog').waitFor({ state: 'hidden' });
      assert.deepEqual(sent('PATCH /users/u-operator'), []);
      await button(page, words.save).click();
      await button(page.getByRole('dialog'), words.leave).click();
      assert.deepEqual((await told('PATCH /users/u-operator')).body, { roles: ['mentor'] });
    });

    test('a person is shown with the state of their address, and every time with its zone', async () => {
      const page = await asOperator('/operator/users/u-2', scene);
      await page.locator('.page-lead').getByText(words.unconfirmed).waitFor();
      await page.getByText(scene.lang === 'id' ? /^Ditangguhkan sejak Minggu, 1 November · 10\.00 WIB\.$/ : /^Suspended since Sunday,? 1 November · 10:00 GMT\+7\.$/).waitFor();
    });

    test('the journal is read about one person, and webhooks are open to operators', async () => {
      const page = await asOperator('/operator/users/u-1', scene);
      await page.getByRole('link', { name: words.journal }).click();
      await page.locator('.people').getByText(words.roles).waitFor();
      assert.equal(await page.locator('.people > li').count(), 1);
      await page.getByRole('link', { name: words.hooks, exact: true }).click();
      await page.getByRole('link', { name: 'https://contoh.id/kejadian-tayang' }).waitFor();
      await page.getByText(words.anyMentor).waitFor();
      assert.equal(await page.locator('.menu [aria-current]').getAttribute('href'), '/mymentee/operator');
      await page.locator('.segments').getByRole('link', { name: words.peoplePart, exact: true }).click();
      await page.getByLabel(words.search).waitFor();
    });

    test('a webhook of a long address shows its secret within the screen, and says when a state has no deliveries', async () => {
      const page = await asOperator('/webhooks/new', scene, { bypassCSP: true, reducedMotion: 'reduce' });
      await page.locator('input[type=url]').fill(`https://integrasi.sekolahmenengahatasnegeri1.contoh.sch.id/api/v2/penerima/${'kejadian'.repeat(9)}`);
      await page.locator('main button[type=submit]').click();
      await page.getByText('rahasia-uji-0123456789abcdef').waitFor();
      await audit(page, scene);
      mock.world.deliveries = mock.world.deliveries.filter(({ state }) => state !== 'dead');
      await page.goto(`${mock.url}/mymentee/webhooks/w-1`);
      await page.locator('main select').selectOption('dead');
      await page.getByText(words.noneInState).waitFor();
    });

    test('the journal shows ids in short, leads from what was done to all about it, and tells an empty journal from a filter', async () => {
      const id = '01938f2e-7c1a-7b44-9e0a-5d1f3f6a2b7c';
      const page = await asOperator('/operator/audit', scene, { bypassCSP: true, reducedMotion: 'reduce' });
      mock.world.audit = [{ ...mock.world.audit[0], id: 'a-9', actor_id: id, subject: `lesson:${id}`, action: 'sent_out', at: '2026-11-01T03:00:00.000Z' }, ...mock.world.audit];
      mock.world.audit.push({ id: 'a-0', actor_id: null, action: 'secret_rotated', subject: 'secret:playback', at: '2026-10-01T03:00:00.000Z', detail: 'key 2' });
      await page.reload();
      const line = page.locator('.people > li').first();
      await line.getByText(scene.lang === 'id' ? /10\.00 WIB/ : /10:00 GMT\+7/).waitFor();
      await line.getByRole('link', { name: words.byShort }).waitFor();
      await page.getByRole('link', { name: words.serverKey, exact: true }).waitFor();
      await audit(page, scene);
      await line.getByRole('link', { name: words.lessonShort }).click();
      await page.waitForURL(`**/operator/audit?subject=${encodeURIComponent(`lesson:${id}`)}`);
      await page.waitForFunction(() => document.querySelectorAll('.people > li').length === 1);
      mock.world.audit = [];
      await page.reload();
      await page.getByText(words.noneSuch).waitFor();
      await page.getByRole('link', { name: words.showAll }).click();
      await page.getByText(words.noneYet).waitFor();
    });

    for (const path of ['/operator/users/u-1', '/operator/audit', '/webhooks/w-1']) {
      test(`with Tab alone all of ${path} is reached, and what has the focus is to be seen`, async () => {
        const page = await asOperator(path, scene, { reducedMotion: 'reduce' });
        await settled(page);
        const wanted = await page.evaluate(() => [...document.querySelectorAll('main :is(a[href], button, input, select)')].filter((one) => !one.disabled && one.checkVisibility()).length);
        let found = 0;
        for (let last = false, entered = false; !last; ) {
          await page.keyboard.press('Tab');
          const { at, where, hidden, ring } = await page.evaluate(focused);
          last = at === 'nowhere' || (entered && at === 'elsewhere');
          if (at !== 'main') continue;
          entered = true;
          found += 1;
          assert.ok(found <= wanted, `more stops than ${wanted}: ${where}`);
          assert.deepEqual({ where, hidden, ring }, { where, hidden: false, ring: true });
        }
        assert.equal(found, wanted);
      });
    }

    test('a further page of people that does not come says so, and comes when it is asked for again', async () => {
      const page = await asOperator('/operator', scene);
      await page.locator('.people > li').nth(49).waitFor();
      await page.route('**/api/v1/users?*cursor=*', (route) => route.abort());
      await button(page, words.more).click();
      await page.getByRole('alert').filter({ hasText: /\S/ }).waitFor();
      await page.unroute('**/api/v1/users?*cursor=*');
      await button(page, words.more).click();
      await page.locator('.people > li').nth(63).waitFor();
      assert.equal(await page.getByRole('alert').filter({ hasText: /\S/ }).count(), 0);
    });

    test('others are told that it is not for them', async () => {
      const page = await open('/operator', scene);
      await page.getByRole('heading', { name: words.notOperator }).waitFor();
    });

    for (const path of ['/operator', '/operator/users/u-1', '/operator/users/u-2', '/operator/users/nobody', '/webhooks', '/webhooks/w-1', '/webhooks/nothing', '/operator/audit', '/operator/audit?subject=user:u-1']) {
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

    test('to be removed from the course is another thing than to be sent out of a lesson, and is asked as such', async () => {
      const page = await open('/courses/c-fisika?part=people', scene);
      await page.getByRole('button', { name: words.remove }).first().click();
      const dialog = page.getByRole('dialog');
      await dialog.getByRole('heading', { name: words.wholeCourse }).waitFor();
      await button(dialog, words.remove).click();
      assert.deepEqual((await told('PATCH /courses/c-fisika/enrolments/u-1')).body, { state: 'removed' });
      await page.getByRole('button', { name: words.again }).waitFor();
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

    test('a lesson that is not over is not said to have left no recording', async () => {
      const page = await open('/lessons/l-next/recording', scene);
      await page.getByText(words.notYet).waitFor();
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

  describe(`tools (${scene.name})`, () => {
    test('a webhook is paused, and sends again', async () => {
      const page = await open('/webhooks/w-1', scene);
      const pause = page.getByRole('switch', { name: words.pause });
      await pause.click();
      assert.deepEqual((await told('PATCH /webhooks/w-1')).body, { disabled: true });
      await page.waitForFunction(() => document.querySelector('main [role=switch]').checked);
      await page.locator('.toast').waitFor();
      await pause.click();
      await page.waitForFunction(() => !document.querySelector('main [role=switch]').checked);
      assert.deepEqual((await told('PATCH /webhooks/w-1')).body, { disabled: false });
    });

    test('the address of the calendar is shown, copied without TLS too, and withdrawn', async () => {
      const page = await open('/settings', scene);
      await page.evaluate(() => {
        Object.defineProperty(navigator, 'clipboard', { value: undefined });
        document.execCommand = (what) => {
          globalThis.copied = [what, document.activeElement.value];
          return true;
        };
      });
      await button(page, words.showCalendar).click();
      await page.getByText('/calendar/rahasia-1.ics').waitFor();
      await page.locator('.copy-button').click();
      await page.waitForFunction(() => globalThis.copied?.[0] === 'copy' && globalThis.copied[1].endsWith('/calendar/rahasia-1.ics'));
      await button(page, words.withdraw).click();
      await button(page.getByRole('dialog'), words.withdraw).click();
      await told('DELETE /me/calendar');
      await page.getByText('/calendar/rahasia-1.ics').waitFor({ state: 'detached' });
      await button(page, words.showCalendar).click();
      await page.getByText('/calendar/rahasia-2.ics').waitFor();
    });

    test('what the browser offers to install is offered in the settings', async () => {
      const page = await open('/settings', scene);
      await page.evaluate(() => {
        const event = new Event('beforeinstallprompt', { cancelable: true });
        event.prompt = () => {
          globalThis.prompted = true;
          return Promise.resolve();
        };
        globalThis.dispatchEvent(event);
      });
      await button(page, words.install).click();
      await page.waitForFunction(() => globalThis.prompted === true);
    });
  });

  describe(`what goes wrong (${scene.name})`, () => {
    test('a sign-in through a provider that failed says why, once', async () => {
      const page = await open('/sign-in?problem=provider-refused&next=%2Fcourses', scene, { change: (world) => (world.user = null) });
      await page.locator('.form-error').getByText(words.refused).waitFor();
      await page.waitForURL((url) => url.search === '?next=%2Fcourses');
      await page.goto(`${mock.url}/mymentee/sign-in?problem=something-new`);
      await page.locator('.form-error').getByText(words.providerFailed).waitFor();
      await page.reload();
      await page.locator('h1').first().waitFor();
      assert.equal(await page.locator('.form-error').innerText(), '');
    });

    test('what is wrong with a field of the server’s own stands at the field of the form, in the reader’s language', async () => {
      const page = await open('/lessons/l-later/edit', scene, { change: (world) => (world.refuse = { 'PATCH /lessons/l-later': [['starts_at', 'too_far'], ['word_filter.0', 'too_long']] }) });
      await page.locator('input[type=date]').fill('2030-01-01');
      await page.locator('form button[type=submit]').click();
      await page.waitForFunction(() => document.activeElement?.getAttribute('type') === 'date' && document.activeElement.getAttribute('aria-invalid') === 'true');
      await page.getByText(words.tooFar).waitFor();
      assert.equal(await page.locator('textarea[aria-invalid=true]').count(), 1);
    });
  });
}

describe('with a finger', () => {
  const PAGES = [
    '/', '/?view=week', '/lessons/new', '/lessons/l-next', '/lessons/l-next/publish', '/lessons/l-live/live', '/lessons/l-ended/recording', '/lessons/l-ended/attendance',
    '/courses/c-fisika', '/courses/c-fisika?part=people', '/courses/c-fisika?part=invite', '/page', '/keys', '/webhooks/w-1', '/settings',
  ];
  for (const path of PAGES) {
    test(`whatever is pressed is large enough: ${path}`, async () => {
      const page = await open(path, SCENES[0], { hasTouch: true, isMobile: true });
      await settled(page);
      assert.deepEqual(await smallTargets(page), []);
    });
  }
});

for (const [path, here] of [['/lessons/l-next', 'Jadwal'], ['/webhooks/w-1', 'Profil'], ['/keys', 'Profil'], ['/courses/c-fisika', 'Kursus']]) {
  test(`the menu says where one is: ${path}`, async () => {
    const page = await open(path, SCENES[0]);
    await page.locator('.menu a[aria-current]').waitFor();
    assert.equal(await page.locator('.menu a[aria-current] .menu-label').innerText(), here);
  });
}
