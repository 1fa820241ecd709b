/**
 * A whole story of a lesson, in real browsers before a real server: `node e2e/story.mjs SPEC.json`.
 *
 * The spec says `{story, base, size: {name, width, height}, shots, pushes, lesson, links: {mentor, present, absent,
 * stranger}, publish: [program, argument…]}`: which story (`lesson`, `sent-out`, `provider`, `mails` or `passkeys`), where the server is, links that sign
 * people in, and what publishes, with `{url}` where the address stands. `pushes` is a file that holds the messages that the
 * push service has for `present`, as they come. Pictures of each step go to `shots`. The last line is the report; exit code 1
 * if the story went otherwise.
 */

import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { launch } from './browser.mjs';
import { mailStory, passkeyStory, providerStory } from './story-accounts.mjs';
import { isWorthNothingToOthers, listedIn, LIVE_KINDS, oneOfEach } from './story-media.mjs';
import { Person, until } from './story-people.mjs';

/** A lesson is set for so much later: the form knows minutes, and what begins has to be still to come. */
const BEGINS_IN_MS = 2 * 60_000;
/** A comment stands in the recording where it was said, give or take a second of the list and one of the player. */
const COMMENT_OFF_MAX_S = 3;
const SAID = 'Mengapa benda tetap bergerak?';
const ANSWERED = 'Karena tidak ada yang menahannya.';

const spec = JSON.parse(await readFile(process.argv[2], 'utf8'));
/** Passkeys belong to a name: where the story has one, browsers find the server by it. */
const { named } = spec.links;
const finds = named === undefined ? [] : [`--host-resolver-rules=MAP ${new URL(named).hostname}:80 ${new URL(spec.base).host}`];
const story = { ...spec, base: named ?? spec.base, steps: 0, browser: await launch(finds), publisher: null, people: [], secrets: [] };

async function enter(name) {
  const person = await Person.enter(story, name);
  story.people.push(person);
  const link = story.links[name];
  if (link !== undefined) await person.signIn(link);
  return person;
}

/** The wall clock of the mentor, as the form takes it. */
function wallClock(at) {
  const [date, time] = new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'short', timeZone: 'Asia/Jakarta' }).format(at).split(' ');
  return { date, time };
}

async function setLesson(mentor) {
  await mentor.page.getByRole('link', { name: 'Jadwalkan' }).first().click();
  await mentor.page.getByLabel('Judul', { exact: true }).fill(story.lesson);
  const { date, time } = wallClock(Date.now() + BEGINS_IN_MS);
  await mentor.page.locator('input[type=date]').fill(date);
  await mentor.page.locator('input[type=time]').fill(time);
  await mentor.shows('mentor-sets-a-lesson');
  await mentor.page.locator('form button[type=submit]').click();
  await mentor.page.getByRole('heading', { level: 1, name: story.lesson }).waitFor();
  await mentor.shows('mentor-has-set-it');
  await mentor.page.getByRole('link', { name: 'Siapkan siaran' }).click();
  await mentor.page.waitForURL(/\/lessons\/[^/]+\/publish$/);
  return /\/lessons\/([^/]+)\//.exec(mentor.page.url())[1];
}

async function goLiveNow(mentor) {
  await mentor.button('Tayang sekarang').click();
  await mentor.page.getByRole('dialog').getByRole('button', { name: 'Lanjut ke siaran' }).click();
  await mentor.page.waitForURL(/\/lessons\/[^/]+\/publish$/);
  return /\/lessons\/([^/]+)\//.exec(mentor.page.url())[1];
}

/** Publishes to what the page shows. */
async function publish(mentor) {
  await mentor.button('Buat kunci').click();
  await mentor.page.getByText(/hanya tampak sekali/i).first().waitFor();
  await mentor.shows('mentor-has-a-key');
  const [server, key] = await mentor.page.getByRole('tabpanel').locator('.copy-value').allInnerTexts();
  story.secrets.push(key);
  const [program, ...args] = story.publish.map((text) => text.replace('{url}', `${server}/${key}`));
  story.publisher = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** The message of that kind, as the push service has it for the mentee's device. */
function pushed(kind) {
  return until(`a push of ${kind}`, async () => {
    const all = JSON.parse(await readFile(story.pushes, 'utf8').catch(() => '[]'));
    return all.find((one) => one.kind === kind) ?? null;
  });
}

const firstFigure = (mentor) => mentor.page.locator('.status-figure strong').first();

async function isToldAndWaits(present, lesson) {
  const message = await pushed('lesson_scheduled');
  if (!message.body.includes(story.lesson) || !JSON.stringify(message.lesson).includes(lesson)) throw new Error(`another lesson was told: ${JSON.stringify(message)}`);
  await present.go('/mymentor/notices');
  await present.page.locator('.notices').getByText(story.lesson).first().waitFor();
  await present.shows('mentee-has-the-notice');
  await present.go(message.url);
  await present.page.getByText('Ruang tunggu').waitFor();
  await present.page.locator('.countdown').waitFor();
  await present.shows('mentee-waits');
}

async function takesPart(present, mentor) {
  await present.page.getByLabel('Tulis komentar').fill(SAID);
  await present.page.getByLabel('Tulis komentar').press('Enter');
  await present.page.locator('.comment').filter({ hasText: SAID }).first().waitFor();
  await present.page.locator('.reaction').first().click();
  await present.page.locator('.hand').click();
  await present.page.locator('.reaction-count').first().waitFor();
  await present.shows('mentee-takes-part');
  await mentor.tab(/Obrolan/).click();
  await mentor.page.locator('.chat-list').getByText(SAID).waitFor();
  await until('the count of one viewer', async () => ((await firstFigure(mentor).innerText()) === '1' ? true : null));
  await mentor.page.getByLabel('Tulis untuk semua').fill(ANSWERED);
  await mentor.page.getByLabel('Tulis untuk semua').press('Enter');
  await present.page.locator('.comment[data-mentor=true]').filter({ hasText: ANSWERED }).waitFor();
  await mentor.shows('mentor-sees-the-comment');
  if (story.size.name === 'phone') await mentor.tab(/Siaran/).click();
  await mentor.page.locator('.health').getByText(/360/).first().waitFor();
  await mentor.page.locator('.hands .people li').first().waitFor();
  await mentor.page.locator('.reactions li[data-none=false]').first().waitFor();
  await mentor.shows('mentor-sees-health-hand-and-reactions');
}

/** Copied while it is on, what plays for the attendee plays for nobody else. */
async function liveCopiesAreWorthNothing(present, others) {
  const playlists = [...present.media].filter((path) => /\/video\w*\.m3u8/.test(path)).map((path) => path.split('?')[0]);
  const listed = await listedIn(present, playlists.at(-1));
  const copied = oneOfEach([...present.media].map((path) => path.split('?')[0]).concat(listed), LIVE_KINDS);
  await isWorthNothingToOthers(copied, present, others);
  return copied;
}

async function ends(mentor, present) {
  if (story.size.name === 'phone') await mentor.tab(/Siaran/).click();
  await mentor.button('Akhiri pelajaran').click();
  await mentor.page.getByRole('dialog').getByRole('button', { name: 'Akhiri pelajaran' }).click();
  await mentor.page.waitForURL(/\/recording$/);
  await present.page.getByText('Pelajaran telah selesai').first().waitFor();
  await present.shows('mentee-sees-the-end');
  await mentor.advances();
  await mentor.shows('mentor-has-the-recording');
}

/** Plays the recording; what was said comes when it was said. */
async function replays(present) {
  present.media.clear();
  await present.button('Tonton rekaman').click();
  await present.advances();
  const row = present.page.locator('.room .comment').filter({ hasText: SAID });
  const early = await row.count();
  await row.waitFor();
  const seen = await present.playhead();
  const [minutes, seconds] = (await row.locator('.comment-at').innerText()).split(':').map(Number);
  const at = minutes * 60 + seconds;
  if (early !== 0 || Math.abs(seen - at) > COMMENT_OFF_MAX_S) throw new Error(`said at ${at} s, shown at ${seen} s; ${early} before`);
  await present.page.locator('.room .comment').filter({ hasText: ANSWERED }).waitFor();
  await present.shows('mentee-replays');
  return { commentAtSeconds: at, shownAtSeconds: seen };
}

/** What is taken away is the MP4, whole. */
async function takesAway(present) {
  const [taken] = await Promise.all([present.page.waitForEvent('download'), present.button('Unduh MP4').click()]);
  const bytes = await readFile(await taken.path());
  const boxes = new Set();
  let at = 0;
  while (at + 8 <= bytes.length) {
    boxes.add(bytes.toString('latin1', at + 4, at + 8));
    const size = bytes.readUInt32BE(at);
    at += size === 1 ? Number(bytes.readBigUInt64BE(at + 8)) : size || bytes.length;
  }
  if (at !== bytes.length || !boxes.has('ftyp') || !boxes.has('moov') || !boxes.has('mdat')) throw new Error(`${bytes.length} bytes of ${[...boxes].join(', ')}`);
}

async function recordedCopiesAreWorthNothing(present, others) {
  const paths = [...present.media].map((path) => path.split('?')[0]);
  const playlist = paths.find((path) => /\/video\w*\.m3u8$/.test(path));
  const mp4 = playlist.replace(/[^/]+$/, 'recording.mp4');
  const { part: _, ...kinds } = LIVE_KINDS;
  const copied = oneOfEach([...paths, ...(await listedIn(present, playlist))], kinds);
  await isWorthNothingToOthers([...copied, mp4], present, others);
  return [...copied, mp4];
}

async function attendanceHasWhoWasThere(mentor, lesson) {
  await mentor.go(`/mymentee/lessons/${lesson}/attendance`);
  const rows = mentor.page.locator('.sheet tbody tr');
  await rows.first().waitFor();
  const names = await rows.locator('.person').allInnerTexts();
  if (names.length !== 1 || (await rows.first().locator('.presence').getAttribute('data-present')) !== 'true') throw new Error(`in the sheet: ${names.join(', ')}`);
  await mentor.shows('mentor-reads-the-attendance');
}

async function lessonStory() {
  const mentor = await enter('mentor');
  const present = await enter('present');
  const lesson = await setLesson(mentor);
  await isToldAndWaits(present, lesson);
  const others = [await enter('absent'), await enter('stranger'), await enter('nobody')];
  const [absent, stranger, nobody] = others;
  await nobody.go(`/mymentor/lessons/${lesson}`);
  await publish(mentor);
  await present.advances();
  await present.shows('mentee-watches');
  await pushed('lesson_started');
  await mentor.page.getByRole('link', { name: 'Ke dasbor' }).click();
  await mentor.page.waitForURL(/\/live$/);
  await stranger.go(`/mymentor/lessons/${lesson}`);
  await stranger.seesNoPlayer('Ikuti kursusnya dahulu');
  await stranger.shows('stranger-gets-nothing-live');
  await takesPart(present, mentor);
  const live = await liveCopiesAreWorthNothing(present, others);
  await ends(mentor, present);
  story.publisher.kill('SIGKILL');
  const replayed = await replays(present);
  await takesAway(present);
  await absent.go(`/mymentor/lessons/${lesson}`);
  await absent.seesNoPlayer('Rekaman untuk yang hadir');
  await absent.shows('absentee-gets-nothing');
  await stranger.page.reload();
  await stranger.page.locator('h1').first().waitFor();
  await stranger.seesNoPlayer(story.lesson);
  await stranger.shows('stranger-gets-nothing-recorded');
  await nobody.page.waitForURL(/sign-in/);
  const recorded = await recordedCopiesAreWorthNothing(present, others);
  await isWorthNothingToOthers(live, null, others);
  await pushed('recording_ready');
  await attendanceHasWhoWasThere(mentor, lesson);
  return { lesson, live, recorded, ...replayed };
}

async function sentOutStory() {
  const mentor = await enter('mentor');
  const present = await enter('present');
  const lesson = await goLiveNow(mentor);
  await publish(mentor);
  await present.go(`/mymentor/lessons/${lesson}`);
  await present.advances();
  await present.page.locator('.composer').waitFor();
  const copied = [...present.media].map((path) => path.split('?')[0]).filter((path) => path.endsWith('.m3u8'));
  await mentor.go(`/mymentee/lessons/${lesson}/live`);
  await mentor.tab(/Penonton/).click();
  const row = mentor.page.getByRole('tabpanel').locator('.people li').first();
  await row.waitFor();
  await mentor.shows('mentor-sees-who-watches');
  await row.getByRole('button', { name: 'Keluarkan' }).click();
  const dialog = mentor.page.getByRole('dialog');
  await dialog.getByLabel(/^Alasan/).fill('Mengganggu');
  await mentor.shows('mentor-sends-them-out');
  const said = Date.now();
  await dialog.getByRole('button', { name: 'Keluarkan' }).click();
  await present.page.waitForFunction(() => document.querySelector('video, .composer') === null);
  const closedMs = Date.now() - said;
  await present.seesNoPlayer('Anda tidak lagi bisa menonton');
  await present.shows('mentee-is-out');
  const got = (await present.statuses(copied)).filter(([, status]) => status !== 404);
  if (copied.length === 0 || got.length > 0) throw new Error(`who is out gets ${JSON.stringify(got)}`);
  await present.page.reload();
  await present.page.locator('h1').first().waitFor();
  await present.seesNoPlayer('Anda tidak lagi bisa menonton');
  await mentor.button(/^Izinkan masuk/).click();
  await mentor.page.getByText(/^Izinkan masuk/).first().waitFor({ state: 'detached' });
  await present.page.reload();
  await present.advances();
  await present.shows('mentee-is-in-again');
  return { lesson, closedMs };
}

const STORIES = { lesson: lessonStory, 'sent-out': sentOutStory, provider: () => providerStory(story, enter), mails: () => mailStory(story, enter), passkeys: () => passkeyStory(story, enter) };

try {
  const told = await STORIES[story.story]();
  const problems = story.people.flatMap((person) => person.problems);
  console.log(JSON.stringify({ ...told, secrets: story.secrets, problems }));
} catch (error) {
  for (const person of story.people) {
    console.error(`${person.name} is at ${person.whereabouts()}, and reads: ${await person.reads().catch(() => 'nothing')}`);
    await person.shows(`in-trouble-${person.name}`).catch(() => undefined);
  }
  console.error(error);
  process.exitCode = 1;
} finally {
  story.publisher?.kill('SIGKILL');
  await story.browser.close();
}
