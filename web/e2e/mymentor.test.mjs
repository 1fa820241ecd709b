/** MyMentor in Chromium before a stand-in server: the stories of a mentee, keys, languages, and what an audit of access says. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { apps, asked, askedFor, auditPage, context, DESK, heading, hearNews, open, PHONE, plays, smallTargets, until, WAIT_MS } from './mymentor-page.mjs';
import { EMAIL, lessonOf, makeWorld, PASSWORD } from './world.mjs';

describe('signing in', () => {
  test('with keys alone, and on to where one wanted to go', async () => {
    const page = await open('lessons', { world: {} });
    await heading(page, 'Masuk ke MyMentor');
    assert.match(page.url(), /sign-in\?next=%2Flessons$/);
    // One was led here: reading and keys begin at the heading of the new page.
    await page.waitForFunction(() => document.activeElement?.tagName === 'H1');
    await page.keyboard.press('Tab');
    await page.keyboard.type(EMAIL);
    await page.keyboard.press('Tab');
    await page.keyboard.type('salah');
    await page.keyboard.press('Enter');
    await page.getByText('tidak cocok').waitFor();
    await page.keyboard.press('Control+A');
    await page.keyboard.type(PASSWORD);
    await page.keyboard.press('Enter');
    await heading(page, 'Pelajaran saya');
  });

  test('what is missing is said at its field, which gets the focus', async () => {
    const page = await open('sign-in', { world: {} });
    await page.getByRole('button', { name: 'Masuk', exact: true }).click();
    const email = page.getByLabel('Surel');
    await page.waitForFunction(() => document.activeElement?.getAttribute('type') === 'email');
    assert.equal(await email.getAttribute('aria-invalid'), 'true');
    assert.equal(await email.evaluate((field) => document.getElementById(field.getAttribute('aria-describedby'))?.textContent), 'Bagian ini perlu diisi.');
    assert.equal(asked('POST', 'session').length, 0);
  });

  test('a one-time link signs in when its button is pressed, and leaves no secret in the address', async () => {
    const page = await open('link#tautan-baik', { world: {} });
    await heading(page, 'Masuk dengan tautan');
    assert.equal(new URL(page.url()).hash, '');
    assert.equal(asked('POST', 'session/link').length, 0);
    await page.getByRole('button', { name: 'Masuk sekarang' }).click();
    await heading(page, 'Halo, Peserta');
  });

  test('a link that is opened elsewhere than where one signed up asks for a password', async () => {
    const page = await open('link#tautan-lain', { world: {} });
    await page.getByRole('button', { name: 'Masuk sekarang' }).click();
    await page.getByLabel('Kata sandi baru', { exact: true }).fill('kata sandi yang baru');
    await page.getByRole('button', { name: 'Simpan kata sandi' }).click();
    await heading(page, 'Halo, Peserta');
    assert.deepEqual(asked('POST', 'password').at(-1).body, { password: 'kata sandi yang baru' });
  });

  test('a link that was used says so', async () => {
    const page = await open('link#terpakai', { world: {} });
    await page.getByRole('button', { name: 'Masuk sekarang' }).click();
    await page.getByText('Tautan ini tidak berlaku').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Buat kata sandi baru' }).count(), 0);
  });

  test('a link for a new password leads to choosing one', async () => {
    const page = await open('link#untuk-sandi', { world: {} });
    await page.getByRole('button', { name: 'Masuk sekarang' }).click();
    await page.getByRole('button', { name: 'Buat kata sandi baru' }).click();
    await page.getByLabel('Kata sandi baru', { exact: true }).fill('kata sandi yang baru');
    await page.getByRole('button', { name: 'Simpan kata sandi' }).click();
    await heading(page, 'Masuk ke MyMentor');
    assert.equal(asked('POST', 'password').at(-1).body.token, 'untuk-sandi');
  });

  test('an account is made with the language and zone of the device; the server\'s word on a field stands at it', async () => {
    const page = await open('create-account', { world: {} });
    await page.getByLabel('Nama').fill('Peserta Baru');
    await page.getByLabel('Surel').fill('baru@contoh.id');
    await page.getByLabel('Kata sandi', { exact: true }).fill('pendek');
    await page.getByRole('button', { name: 'Buat akun' }).click();
    const password = page.getByLabel('Kata sandi', { exact: true });
    await page.waitForFunction(() => document.querySelector('input[autocomplete="new-password"]')?.getAttribute('aria-invalid') === 'true');
    const said = await password.evaluate((field) => field.getAttribute('aria-describedby').split(' ').map((id) => document.getElementById(id)?.textContent).join(' '));
    assert.match(said, /10/);
    await page.getByLabel('Kata sandi', { exact: true }).fill('tidak lagi pendek');
    await page.getByRole('button', { name: 'Buat akun' }).click();
    await page.getByText('Tinggal satu langkah').waitFor();
    await page.getByRole('button', { name: 'Salah alamat? Ubah' }).click();
    await page.getByLabel('Surel').fill('baru.benar@contoh.id');
    await page.getByLabel('Kata sandi', { exact: true }).fill('tidak lagi pendek');
    await page.getByRole('button', { name: 'Buat akun' }).click();
    await page.getByText('Kami mengirim tautan ke baru.benar@contoh.id').waitFor();
    assert.equal(asked('POST', 'accounts').at(-1).body.name, 'Peserta Baru');
    const { body } = asked('POST', 'accounts').at(-1);
    assert.deepEqual({ locale: body.locale, zone: body.zone }, { locale: 'id', zone: 'Asia/Jakarta' });
  });

  test('providers of the server are offered', async () => {
    const page = await open('sign-in', { world: { oidc: [{ name: 'Sekolah', start_url: '/api/v1/oidc/sekolah/start' }] } });
    const link = page.getByRole('link', { name: 'Masuk dengan Sekolah' });
    assert.match(await link.getAttribute('href'), /oidc\/sekolah\/start\?return_to=%2Fmymentor%2F$/);
  });

  test('by passkey, after one that was given up and one that is not known here', async () => {
    const page = await open('sign-in?next=%2Flessons', { world: {} });
    const button = page.getByRole('button', { name: 'Masuk dengan passkey' });
    await button.waitFor();
    await page.evaluate(() => {
      const does = [() => { throw new DOMException('', 'NotAllowedError'); }, () => ({ toJSON: () => ({ id: 'k-lain' }) }), () => ({ toJSON: () => ({ id: 'k-baik' }) })];
      // What is offered where the address is typed waits.
      navigator.credentials.get = ({ mediation }) => (mediation === 'conditional' ? new Promise(() => undefined) : (async () => does.shift()())());
    });
    await button.click();
    await page.getByText('Passkey tidak jadi dipakai').waitFor();
    await button.click();
    await page.getByText('tidak bisa dipakai untuk masuk di sini').waitFor();
    await button.click();
    await heading(page, 'Pelajaran saya');
    assert.deepEqual(asked('POST', 'session/passkey').at(-1).body, { challenge: 'tantangan', credential: { id: 'k-baik' } });
  });

  test('a passkey that is chosen where the address is typed signs in, and gives way to the button', async () => {
    const page = await open('forgotten', { world: {} });
    await page.addInitScript(() => {
      window.asked = [];
      PublicKeyCredential.isConditionalMediationAvailable = async () => true;
      navigator.credentials.get = ({ mediation = 'at once', signal }) => new Promise((resolve, reject) => {
        window.asked.push(mediation);
        signal?.addEventListener('abort', () => window.asked.push('given up'));
        window.choose = (id) => (id === null ? reject(new DOMException('', 'NotAllowedError')) : resolve({ toJSON: () => ({ id }) }));
      });
    });
    await page.goto(`${apps.url}/mymentor/sign-in`);
    await page.waitForFunction(() => window.asked.length === 1);
    assert.match(await page.getByLabel('Surel').getAttribute('autocomplete'), /webauthn/);
    await page.getByRole('button', { name: 'Masuk dengan passkey' }).click();
    await page.waitForFunction(() => window.asked.length === 3);
    await page.evaluate(() => window.choose(null));
    await page.waitForFunction(() => window.asked.length === 4);
    assert.deepEqual(await page.evaluate(() => window.asked), ['conditional', 'given up', 'at once', 'conditional']);
    await page.evaluate(() => window.choose('k-baik'));
    await heading(page, 'Halo, Peserta');
  });

  test('no passkey is offered where the server takes none', async () => {
    const page = await open('sign-in', { world: { passkeys: null } });
    await page.getByRole('button', { name: 'Masuk', exact: true }).waitFor();
    assert.equal(await page.getByRole('button', { name: 'Masuk dengan passkey' }).count(), 0);
  });

  test('a session that ended elsewhere leads to the sign-in page', async () => {
    const page = await open('');
    await heading(page, 'Halo, Peserta');
    apps.world.signedIn = false;
    // Whatever asks next, this link or the page by itself: neither is waited for.
    await page.evaluate(() => document.querySelector('a[href="/mymentor/mentors"]')?.click());
    await heading(page, 'Masuk ke MyMentor');
  });
});

describe('finding lessons', () => {
  test('the menu can be skipped', async () => {
    const page = await open('', { viewport: DESK });
    // What comes behind the menu must be there, or the keys go past an empty page.
    await page.getByRole('link', { name: 'Gelombang dan bunyi' }).waitFor();
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement?.className), 'skip');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement?.closest('main') !== null), true);
  });

  test('home shows what is on air, what comes, and where one stopped', async () => {
    const page = await open('', { viewport: DESK });
    await page.getByRole('link', { name: 'Gelombang dan bunyi' }).waitFor();
    assert.deepEqual(await page.locator('h2').allInnerTexts(), ['Sedang tayang', 'Segera', 'Lanjutkan menonton', 'Rekaman saya']);
    await page.getByText('Lanjut dari 6:40').waitFor();
  });

  test('English is chosen once and kept', async () => {
    const page = await open('settings');
    await page.getByRole('button', { name: 'EN English' }).click();
    await heading(page, 'Account');
    assert.equal(await page.evaluate(() => document.documentElement.lang), 'en');
    await page.reload();
    await heading(page, 'Account');
  });

  test('a mentor is searched, a course asked for, and the answer shown', async () => {
    const page = await open('mentors');
    await page.getByRole('searchbox').fill('matematika');
    await page.getByRole('link', { name: 'Mentor Satu' }).waitFor({ state: 'detached' });
    await page.getByRole('link', { name: 'Mentor Dua' }).click();
    await page.getByRole('link', { name: 'Aljabar bersama' }).click();
    await page.getByRole('button', { name: 'Minta ikut' }).click();
    await page.getByText('Menunggu persetujuan').waitFor();
    const { headers } = asked('POST', 'courses/c-2/enrolment').at(-1);
    assert.equal(headers['x-csrf-token'], 'csrf-of-this-session');
    assert.match(headers['idempotency-key'], /^[0-9a-f]{32}$/);
  });

  test('an invitation that was pasted lets one in, and a wrong one says what to do', async () => {
    const page = await open('courses/c-3');
    await page.getByLabel('Tautan undangan').fill('https://contoh.id/mymentor/courses/c-3#undangan-lama');
    await page.getByRole('button', { name: 'Ikut kursus' }).click();
    await page.locator('.form-error').getByText(/./).waitFor();
    await page.getByLabel('Tautan undangan').fill('https://contoh.id/mymentor/courses/c-3#undangan-baik-1');
    await page.getByRole('button', { name: 'Ikut kursus' }).click();
    await page.getByText('Anda peserta kursus ini').waitFor();
  });

  test('an invitation to a course that nobody else knows of is taken over signing in, and is gone from the address', async () => {
    const page = await open('courses/c-4#undangan-baik-1', { world: {} });
    await page.getByLabel('Surel').fill(EMAIL);
    await page.getByLabel('Kata sandi', { exact: true }).fill(PASSWORD);
    await page.getByRole('button', { name: 'Masuk', exact: true }).click();
    // One sees what it is before one joins.
    await heading(page, 'Kelas tertutup');
    await page.getByRole('button', { name: 'Ikut kursus' }).click();
    await page.getByText('Anda peserta kursus ini').waitFor();
    assert.equal(new URL(page.url()).hash, '');
    assert.ok(apps.world.asked.every(({ path }) => !path.includes('undangan')));
  });

  test('an invitation outlives making an account, whose link opens another tab', async () => {
    const page = await open('courses/c-4#undangan-baik-1', { world: {} });
    await heading(page, 'Masuk ke MyMentor');
    await page.getByRole('link', { name: 'Buat akun' }).click();
    await heading(page, 'Buat akun');
    const other = await context.newPage();
    other.setDefaultTimeout(WAIT_MS);
    await other.goto(`${apps.url}/mymentor/link#tautan-baik`);
    await other.getByRole('button', { name: 'Masuk sekarang' }).click();
    await heading(other, 'Kelas tertutup');
    await other.getByRole('button', { name: 'Ikut kursus' }).click();
    await other.getByText('Anda peserta kursus ini').waitFor();
    assert.equal(new URL(other.url()).hash, '');
  });

  test('one that came in the query leaves the address too', async () => {
    const page = await open('courses/c-3?invitation=undangan-baik-1');
    await page.getByRole('button', { name: 'Ikut kursus' }).click();
    await page.getByText('Anda peserta kursus ini').waitFor();
    assert.equal(new URL(page.url()).search, '');
  });

  for (const { locale, names } of [
    { locale: 'id-ID', names: { calendar: 'Langganan kalender', withdraw: 'Cabut tautan ini', cancel: 'Batal', done: /Tautan kalender dicabut/ } },
    { locale: 'en-GB', names: { calendar: 'Calendar subscription', withdraw: 'Withdraw this link', cancel: 'Cancel', done: /calendar link is withdrawn/ } },
  ]) {
    test(`the link of the calendar is withdrawn once that was asked, and another is there after it (${locale})`, async () => {
      const page = await open('lessons', { locale, world: { signedIn: true, user: { ...makeWorld().user, locale: locale.slice(0, 2) } } });
      const press = (name) => page.getByRole('button', { name, exact: true }).click();
      const shown = async (end) => assert.match(await page.getByRole('textbox', { name: names.calendar }).inputValue(), end);
      await press(names.calendar);
      await shown(/\/calendar\/rahasia-1\.ics$/);
      await press(names.withdraw);
      await press(names.cancel);
      await page.getByRole('dialog').waitFor({ state: 'hidden' });
      assert.equal(asked('DELETE', 'me/calendar').length, 0);
      await press(names.calendar);
      await press(names.withdraw);
      await press(names.withdraw);
      await page.getByText(names.done).waitFor();
      await press(names.calendar);
      await shown(/\/calendar\/rahasia-2\.ics$/);
    });
  }

  test('a lesson whose mentor is late stays in sight, and news brings what is new', async () => {
    const lessons = makeWorld().lessons.filter(({ id }) => id !== 'l-live' && id !== 'l-soon');
    const now = Date.now();
    lessons.push(lessonOf({ now, id: 'l-late', title: 'Terlambat sedikit', startsIn: -60_000 }));
    const page = await open('', { world: { signedIn: true, lessons } });
    await page.getByRole('link', { name: 'Terlambat sedikit' }).waitFor();
    assert.equal(await page.getByRole('heading', { level: 2, name: 'Sedang tayang' }).count(), 0);
    Object.assign(apps.world.lesson('l-late'), { state: 'live', on_air: true, started_at: new Date().toISOString() });
    await hearNews(page);
    await page.getByRole('heading', { level: 2, name: 'Sedang tayang' }).waitFor();
    await page.getByRole('link', { name: 'Terlambat sedikit' }).waitFor();
  });

  test('of many lessons the last come first, page by page, and a course has those to come apart', async () => {
    const { lessons } = makeWorld();
    const past = lessons.find(({ id }) => id === 'l-past');
    for (let n = 1; n <= 45; n += 1) {
      const at = (ms) => new Date(Date.parse(past.starts_at) - (n + 10) * 86_400_000 + ms).toISOString();
      lessons.push({ ...past, id: `l-old-${n}`, title: `Lama ${n}`, starts_at: at(0), ends_at: at(3_600_000), started_at: at(0), ended_at: at(3_600_000) });
    }
    const page = await open('lessons?tab=past', { world: { signedIn: true, lessons } });
    await page.getByRole('link', { name: 'Gerak lurus' }).waitFor();
    assert.equal(await page.locator('.lesson-card').count(), 20);
    await page.getByRole('button', { name: 'Tampilkan lagi' }).click();
    await page.waitForFunction(() => document.querySelectorAll('.lesson-card').length === 40);
    await page.goto(`${apps.url}/mymentor/courses/c-1`);
    await page.getByRole('heading', { level: 2, name: 'Akan datang' }).waitFor();
    const titles = await page.locator('.lesson-card h3').allInnerTexts();
    assert.deepEqual(titles.slice(0, 6), ['Gelombang dan bunyi', 'Gaya dan gesekan', 'Energi di sekitar kita', 'Pesawat sederhana', 'Gerak lurus', 'Vektor tanpa takut']);
    assert.equal(asked('GET', /^lessons\/.*\/position$/).length, 0);
  });

  test('one that does not hold says so', async () => {
    const page = await open('courses/c-4#undangan-lama');
    await page.getByText('Undangan ini tidak berlaku lagi').waitFor();
  });

  test('leaving a course is asked about first', async () => {
    const page = await open('courses/c-1');
    await page.getByRole('button', { name: 'Berhenti ikut' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    assert.equal(asked('DELETE', 'courses/c-1/enrolment').length, 0);
    await page.getByRole('button', { name: 'Berhenti ikut' }).click();
    await dialog.getByRole('button', { name: 'Berhenti ikut' }).click();
    await page.getByRole('button', { name: 'Ikut kursus' }).waitFor();
  });
});

describe('a lesson', () => {
  test('is waited for and begins by itself', async () => {
    const page = await open('lessons/l-soon');
    await page.getByText('Ruang tunggu').waitFor();
    assert.match(await page.getByRole('timer').innerText(), /1[12]:\d\d/);
    const lesson = apps.world.lesson('l-soon');
    const air = { state: 'live', on_air: true, stalled: false };
    await until(() => apps.rooms.lines.size > 0, 'nobody came into the room');
    Object.assign(lesson, air, { started_at: new Date().toISOString() });
    apps.rooms.tell({ t: 'lesson', ...air });
    await plays(page);
    assert.equal(asked('POST', 'lessons/l-soon/playback').at(-1).body.carry, 'cookie');
  });

  test('plays, and comments, reactions and a hand go out and come back', async () => {
    const page = await open('lessons/l-live', { viewport: DESK });
    await plays(page);
    const log = page.getByRole('log');
    await log.getByText('Halo dari Makassar!').waitFor();
    await page.getByPlaceholder('Tulis komentar').fill('Terdengar sampai sini');
    await page.keyboard.press('Enter');
    await log.getByText('Terdengar sampai sini').waitFor();
    await page.waitForFunction(() => document.querySelector('.comment-own') === null);
    assert.equal(await log.getByText('Terdengar sampai sini').count(), 1);
    const sent = apps.world.comments.at(-1);
    assert.equal(sent.body, 'Terdengar sampai sini');
    assert.equal(typeof sent.media_ms, 'number');
    await page.getByRole('button', { name: /Tepuk tangan/ }).click();
    await page.getByRole('button', { name: /Tepuk tangan 13/ }).waitFor();
    await page.getByRole('button', { name: 'Angkat tangan' }).click();
    await page.getByRole('button', { name: 'Turunkan tangan' }).waitFor();
    await until(() => apps.world.hand === true, 'no hand went up');
  });

  test('goes on through a cut room, and nothing said meanwhile is missing', async () => {
    const page = await open('lessons/l-live');
    const log = page.getByRole('log');
    await log.getByText('Halo dari Makassar!').waitFor();
    apps.rooms.cut();
    apps.world.comments.push({ ...apps.world.comments[0], id: 'k-gap', seq: 7, body: 'Dikatakan saat terputus', client_id: 'x-gap' });
    await log.getByText('Dikatakan saat terputus').waitFor();
    assert.equal(await log.getByText('Halo dari Makassar!').count(), 1);
  });

  test('has its comments without WebSockets too', async () => {
    const page = await open('lessons/l-live', { world: { signedIn: true, socket: false } });
    const log = page.getByRole('log');
    await log.getByText('Halo dari Makassar!').waitFor();
    await page.getByPlaceholder('Tulis komentar').fill('Lewat jalan lain');
    await page.keyboard.press('Enter');
    await askedFor('POST', 'lessons/l-live/comments');
    await page.waitForFunction(() => document.querySelector('.comment-own') === null);
    assert.equal(await log.getByText('Lewat jalan lain').count(), 1);
  });

  test('says why a comment was refused, and lets it be sent again', async () => {
    const page = await open('lessons/l-live', { world: { signedIn: true, refuse: 'too-fast' } });
    await page.getByRole('log').getByText('Halo dari Makassar!').waitFor();
    await page.getByPlaceholder('Tulis komentar').fill('Pelan-pelan');
    await page.keyboard.press('Enter');
    await page.getByText('Terlalu cepat.').waitFor();
    delete apps.world.refuse;
    await page.getByRole('button', { name: 'Kirim lagi' }).click();
    await page.waitForFunction(() => document.querySelector('.comment-own') === null);
    assert.equal(await page.getByRole('log').getByText('Pelan-pelan').count(), 1);
  });

  test('tells of an outage of the mentor and of attendance', async () => {
    const page = await open('lessons/l-live');
    await plays(page);
    await page.getByText('Kehadiran dihitung setelah 10 detik').waitFor();
    const lesson = apps.world.lesson('l-live');
    Object.assign(lesson, { on_air: false, stalled: true, attended: true });
    apps.rooms.tell({ t: 'lesson', state: 'live', on_air: false, stalled: true });
    await page.locator('.scene-title', { hasText: 'Sebentar lagi kembali' }).waitFor();
    Object.assign(lesson, { on_air: true, stalled: false });
    apps.rooms.tell({ t: 'lesson', state: 'live', on_air: true, stalled: false });
    await plays(page);
    await page.getByText('Anda tercatat hadir.').waitFor();
  });

  test('that ended offers its recording, and gives the right to play back', async () => {
    const page = await open('lessons/l-live');
    await plays(page);
    Object.assign(apps.world.lesson('l-live'), { state: 'ended', on_air: false, recording: 'ready', attended: true, ended_at: new Date().toISOString() });
    apps.world.lesson('l-live').can = { watch: false, replay: true, comment: false, moderate: false, enrol: false };
    apps.rooms.tell({ t: 'lesson', state: 'ended', on_air: false, stalled: false });
    await page.getByRole('button', { name: 'Tonton rekaman' }).click();
    await askedFor('DELETE', /^playbacks\/pb-l-live-/);
    await page.getByLabel('Kecepatan').waitFor();
    await page.waitForFunction(() => document.querySelector('.stage')?.getAttribute('data-phase') === 'recording');
  });

  test('that left two recordings plays the longer, the other when asked for, and takes away the one that plays', async () => {
    const recordings = [
      { stream: 'earlier', started_at: '2026-08-01T12:00:00Z', duration_ms: 60_000 },
      { stream: 'recorded', started_at: '2026-08-01T12:20:00Z', duration_ms: 3_600_000 },
    ];
    const page = await open('lessons/l-past', { world: { signedIn: true, recordings } });
    await page.locator('.recorded-parts button[aria-pressed=true]').filter({ hasText: /^Bagian 2 · 19\.20 · 1 jam$/ }).waitFor();
    await page.getByRole('button', { name: /^Bagian 1 · 19\.00 · 1 mnt$/ }).click();
    await page.locator('.recorded-parts button[aria-pressed=true]').filter({ hasText: 'Bagian 1' }).waitFor();
    assert.equal((await askedFor('POST', 'lessons/l-past/playback', 2)).body.recording, 'earlier');
    await plays(page);
    const [taken] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Unduh MP4' }).click()]);
    assert.match(taken.url(), /\/media\/earlier\/recording\.mp4$/);
    assert.match(taken.suggestedFilename(), /\.mp4$/);
    assert.deepEqual((await askedFor('POST', 'lessons/l-past/playback', 3)).body, { download: true, recording: 'earlier' });
  });

  test('that one was sent out of says so, and nothing of it plays on', async () => {
    const page = await open('lessons/l-live');
    await plays(page);
    apps.world.lesson('l-live').can = { watch: false, replay: false, comment: false, moderate: false, enrol: false };
    apps.rooms.dismiss(4001);
    await page.getByText('Anda tidak lagi bisa menonton').waitFor();
    await askedFor('DELETE', /^playbacks\/pb-l-live-/);
    assert.equal(await page.locator('video').count(), 0);
  });

  test('that one did not attend says that its recording is for others', async () => {
    const page = await open('lessons/l-missed');
    await page.getByText('Rekaman untuk yang hadir').waitFor();
    await page.getByRole('link', { name: 'Buka kursus' }).waitFor();
    assert.equal(asked('POST', 'lessons/l-missed/playback').length, 0);
  });
});

describe('account', () => {
  test('news is counted, read, and the number goes away', async () => {
    const page = await open('');
    await page.getByRole('link', { name: /2 belum dibaca/ }).click();
    await page.getByRole('button', { name: 'Tandai sudah dibaca' }).click();
    assert.deepEqual((await askedFor('POST', 'notices/read')).body, { until_id: 'n-4' });
    await page.locator('.badge').waitFor({ state: 'detached' });
  });

  test('quiet hours and kinds are saved at once', async () => {
    const page = await open('settings');
    await page.getByLabel('Jam tenang').check();
    assert.deepEqual((await askedFor('PATCH', 'me/notice-settings')).body, { quiet_from: '22:00', quiet_until: '06:00' });
    await page.getByLabel('Rekaman siap').uncheck();
    assert.deepEqual((await askedFor('PATCH', 'me/notice-settings', 2)).body, { muted_kinds: ['recording_ready'] });
  });

  test('the profile is saved, another device signed out, and then all', async () => {
    const page = await open('settings');
    await page.getByLabel('Nama').fill('Peserta Ganti');
    await page.getByRole('button', { name: 'Simpan' }).click();
    await page.getByText('Tersimpan.').waitFor();
    assert.equal(apps.world.user.name, 'Peserta Ganti');
    await page.getByRole('button', { name: 'Keluarkan Firefox di Windows' }).click();
    await page.getByRole('heading', { name: 'Firefox di Windows' }).waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Keluar dari semua perangkat' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Keluar' }).click();
    await heading(page, 'Masuk ke MyMentor');
    assert.equal(asked('DELETE', 'session').at(-1).query.everywhere, 'true');
  });

  test('a passkey is added with the password, named, and removed again', async () => {
    const page = await open('settings');
    await page.getByRole('heading', { name: 'Ponsel lama' }).waitFor();
    await page.evaluate(() => {
      const does = [() => { throw new DOMException('', 'InvalidStateError'); }, () => ({ toJSON: () => ({ id: 'k-baru' }) })];
      navigator.credentials.create = async () => does.shift()();
    });
    const add = page.getByRole('button', { name: 'Tambah passkey' });
    await add.click();
    await page.waitForFunction(() => document.activeElement?.closest('form')?.querySelector('input') === document.activeElement);
    await page.getByRole('button', { name: 'Batal' }).click();
    await page.waitForFunction(() => document.activeElement?.textContent === 'Tambah passkey');
    await add.click();
    await page.getByLabel('Nama passkey').fill('Ponsel baru');
    const password = page.getByLabel('Kata sandi sekarang');
    const make = page.getByRole('button', { name: 'Buat di perangkat ini' });
    await password.fill('salah');
    await make.click();
    await page.waitForFunction(() => document.querySelector('input[autocomplete="current-password"]')?.getAttribute('aria-invalid') === 'true');
    await password.fill(PASSWORD);
    await make.click();
    await page.getByText('sudah punya passkey untuk akun Anda').waitFor();
    await make.click();
    await page.getByRole('heading', { name: 'Ponsel baru' }).waitFor();
    assert.deepEqual(asked('POST', 'me/passkeys').at(-1).body, { challenge: 'tantangan', credential: { id: 'k-baru' }, name: 'Ponsel baru' });
    await page.getByRole('button', { name: 'Hapus Ponsel lama' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Hapus' }).click();
    await page.getByRole('heading', { name: 'Ponsel lama' }).waitFor({ state: 'detached' });
    assert.deepEqual(apps.world.passkeys.map(({ name }) => name), ['Ponsel baru']);
  });

  test('a theme that was chosen is kept', async () => {
    const page = await open('settings');
    await page.getByRole('button', { name: 'Gelap' }).click();
    await page.reload();
    await heading(page, 'Akun');
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark');
  });
});

describe('access audit', () => {
  const PAGES = [
    ['sign-in', {}], ['link#x', {}], ['forgotten', {}], ['password#x', {}], ['create-account', {}],
    ['', { signedIn: true }], ['lessons', { signedIn: true }], ['lessons?tab=past', { signedIn: true }], ['mentors', { signedIn: true }],
    ['mentors/m-1', { signedIn: true }], ['courses/c-1', { signedIn: true }], ['courses/c-3', { signedIn: true }],
    ['lessons/l-live', { signedIn: true }], ['lessons/l-soon', { signedIn: true }], ['lessons/l-past', { signedIn: true }],
    ['lessons/l-off', { signedIn: true }], ['notices', { signedIn: true }], ['settings', { signedIn: true }], ['tiada', { signedIn: true }],
  ];
  for (const [at, [path, world]] of PAGES.entries()) {
    for (const colorScheme of ['light', 'dark']) {
      // Each page on a phone and on a desk, in one theme each, and in both languages over all.
      const viewport = (at + (colorScheme === 'dark' ? 1 : 0)) % 2 === 0 ? PHONE : DESK;
      const lang = at % 2 === 0 ? 'id' : 'en';
      test(`axe finds nothing, and nothing is too wide: /${path}, ${colorScheme}, ${viewport.width} px, ${lang}`, async () => {
        const [place, hash] = path.split('#');
        const full = `${place}${place.includes('?') ? '&' : '?'}lang=${lang}${hash === undefined ? '' : `#${hash}`}`;
        const page = await open(full, { world: { ...world }, colorScheme, bypassCSP: true, viewport });
        await page.locator('h1').first().waitFor();
        // What is audited is the page, not what stands in its place while it is read.
        await page.waitForFunction(() => document.querySelector('.loading, .skeleton') === null);
        await page.evaluate(() => document.fonts.ready.then(() => undefined));
        await auditPage(page);
      });
    }
  }
});

describe('with a finger', () => {
  for (const [path, lang] of [['', 'id'], ['lessons', 'en'], ['mentors/m-1', 'id'], ['courses/c-1', 'en'], ['lessons/l-live', 'id'], ['lessons/l-past', 'en'], ['notices', 'id'], ['settings', 'en'], ['sign-in', 'id'], ['forgotten', 'en'], ['create-account', 'id']]) {
    test(`whatever is pressed is large enough: /${path}`, async () => {
      const world = { signedIn: !['sign-in', 'forgotten', 'create-account'].includes(path) };
      const page = await open(`${path}?lang=${lang}`, { world, hasTouch: true, isMobile: true });
      await page.locator('main h1').first().waitFor();
      await page.waitForFunction(() => document.querySelector('.loading, .skeleton') === null);
      assert.deepEqual(await smallTargets(page), []);
    });
  }
});
