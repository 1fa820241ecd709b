/** What the stand-in of the API tells: a few people, courses and lessons, made anew for every test. */

const HOUR_MS = 3_600_000;
const iso = (ms) => new Date(ms).toISOString();

export const PASSWORD = 'kata sandi benar';
export const EMAIL = 'peserta@contoh.id';

const MENTORS = [
  { id: 'm-1', name: 'Mentor Satu', headline: 'Fisika yang bisa dibayangkan', bio: 'Sepuluh tahun mengajar fisika.\nSetiap konsep dimulai dari percobaan kecil.' },
  { id: 'm-2', name: 'Mentor Dua', headline: 'Matematika tanpa takut', bio: 'Dari hitungan sehari-hari sampai kalkulus.' },
];

const COURSES = [
  { id: 'c-1', mentor: 'm-1', title: 'Fisika dasar', summary: 'Gerak, gaya, dan gelombang untuk pemula. Satu jam setiap minggu, dengan percobaan yang bisa dicoba di rumah.', enrolment: 'open', my_enrolment: 'active', enrolled: 128, capacity: null },
  { id: 'c-2', mentor: 'm-2', title: 'Aljabar bersama', summary: 'Persamaan, pertidaksamaan, dan cara berpikirnya.', enrolment: 'approval', my_enrolment: null, enrolled: 12, capacity: 30 },
  { id: 'c-4', mentor: 'm-1', title: 'Kelas tertutup', summary: '', enrolment: 'invitation', my_enrolment: null, enrolled: 3, capacity: null, hidden: true },
  { id: 'c-3', mentor: 'm-1', title: 'Klub percobaan', summary: 'Kelompok kecil untuk yang ingin mencoba lebih jauh.', enrolment: 'invitation', my_enrolment: null, enrolled: 6, capacity: 8 },
  { id: 'c-5', mentor: 'm-2', title: 'Statistika terbuka', summary: 'Membaca data dengan tenang.', enrolment: 'open', my_enrolment: null, enrolled: 40, capacity: null },
];

const CAN_NOTHING = { watch: false, replay: false, comment: false, moderate: false, enrol: false };

export function lessonOf(fields) {
  const { id, course = 'c-1', title, summary = '', startsIn, lengthMs = HOUR_MS, now, ...rest } = fields;
  const { title: courseTitle, mentor } = COURSES.find((one) => one.id === course);
  const { name } = MENTORS.find((one) => one.id === mentor);
  return {
    id, course: { id: course, title: courseTitle }, mentor: { id: mentor, name }, title, summary,
    starts_at: iso(now + startsIn), ends_at: iso(now + startsIn + lengthMs), zone: 'Asia/Jakarta', state: 'scheduled',
    on_air: false, stalled: false, started_at: null, ended_at: null, series_id: null, capacity: null, comments_on: true,
    review_on: false, slow_ms: 0, recording: null, can: { ...CAN_NOTHING, watch: true, comment: true }, attended: null, viewers: 0,
    ...rest,
  };
}

function lessons(now) {
  const past = (id, title, days, more) => {
    const startsIn = -days * 24 * HOUR_MS - 2 * HOUR_MS;
    return lessonOf({
      now, id, title, startsIn, state: 'ended', started_at: iso(now + startsIn), ended_at: iso(now + startsIn + 20 * 60_000),
      recording: 'ready', attended: true, can: { ...CAN_NOTHING, replay: true }, ...more,
    });
  };
  return [
    lessonOf({
      now, id: 'l-live', title: 'Gelombang dan bunyi', startsIn: -10 * 60_000, state: 'live', on_air: true, started_at: iso(now - 9 * 60_000), viewers: 1_284,
      summary: 'Mengapa bunyi terdengar berbeda di ruang kosong? Siapkan dua gelas dan seutas benang.', recording: 'recording',
    }),
    lessonOf({ now, id: 'l-soon', title: 'Gaya dan gesekan', startsIn: 12 * 60_000, summary: 'Kita dorong buku di atas meja, lalu menghitungnya bersama.' }),
    lessonOf({ now, id: 'l-later', title: 'Energi di sekitar kita', startsIn: 26 * HOUR_MS }),
    lessonOf({ now, id: 'l-off', title: 'Pesawat sederhana', startsIn: 50 * HOUR_MS, state: 'cancelled', can: CAN_NOTHING }),
    past('l-past', 'Gerak lurus', 2, {}),
    past('l-half', 'Vektor tanpa takut', 5, {}),
    past('l-missed', 'Besaran dan satuan', 9, { attended: false, can: CAN_NOTHING }),
    lessonOf({ now, id: 'l-other', course: 'c-2', title: 'Persamaan pertama', startsIn: 30 * HOUR_MS, can: { ...CAN_NOTHING, enrol: true } }),
  ];
}

const SAYINGS = [
  ['Peserta Dua', 'Suaranya jernih dari sini.'],
  ['Peserta Tiga', 'Halo dari Makassar!'],
  ['Mentor Satu', 'Selamat datang. Siapkan dua gelas dan seutas benang, kita mulai sebentar lagi.'],
  ['Peserta Empat', 'Kalau benangnya basah, apakah bunyinya berubah?'],
  ['Peserta Lima', 'Pertanyaan bagus, saya juga ingin tahu.'],
  ['Mentor Satu', 'Kita coba sekarang juga.'],
];

function comments(now) {
  return SAYINGS.map(([name, body], at) => ({
    id: `k-${at + 1}`, seq: at + 1, user: { id: name === 'Mentor Satu' ? 'm-1' : `u-${at + 2}`, name, mentor: name === 'Mentor Satu' },
    body, at: iso(now - (SAYINGS.length - at) * 20_000), media_ms: at * 1_500, client_id: `x-${at}`, state: 'shown', pinned: false,
  }));
}

function notices(now) {
  const notice = (id, kind, lesson, title, body, hours, read) => ({
    id, kind, lesson, title, body, created_at: iso(now - hours * HOUR_MS), read_at: read ? iso(now) : null,
  });
  return [
    notice('n-4', 'lesson_started', { id: 'l-live', title: 'Gelombang dan bunyi' }, 'Gelombang dan bunyi sudah dimulai', 'Mentor Satu sedang tayang.', 0.15, false),
    notice('n-3', 'lesson_tomorrow', { id: 'l-later', title: 'Energi di sekitar kita' }, 'Besok: Energi di sekitar kita', 'Jangan lupa, besok bersama Mentor Satu.', 3, false),
    notice('n-2', 'lesson_cancelled', { id: 'l-off', title: 'Pesawat sederhana' }, 'Pesawat sederhana dibatalkan', 'Mentor Satu sakit. Jadwal baru menyusul.', 20, true),
    notice('n-1', 'recording_ready', { id: 'l-past', title: 'Gerak lurus' }, 'Rekaman Gerak lurus siap', 'Bisa ditonton kapan saja.', 46, true),
  ];
}

const mentorOf = (id) => ({ id, name: MENTORS.find((one) => one.id === id).name });

/** A world of its own; tests change it as they like. */
export function makeWorld() {
  const now = Date.now();
  const world = {
    signedIn: false,
    csrf: 'csrf-of-this-session',
    playbacks: 0,
    refreshMs: 60_000,
    forgets: false,
    /** Put behind the address of a recording: it is another then. */
    moved: '',
    /** What an ended lesson left, if it is more than one recording. */
    recordings: [],
    /** `two.m3u8` offers a recording in two qualities. */
    master: 'master.m3u8',
    /** Paths of a POST that is done and whose answer is lost on the way. */
    losesAnswers: /(?!)/,
    user: { id: 'u-1', email: EMAIL, name: 'Peserta Satu', locale: 'id', zone: 'Asia/Jakarta', roles: ['mentee'], is_mentor: false, created_at: iso(now - 900 * HOUR_MS) },
    oidc: [],
    /** `null`: the server takes none. */
    passkeys: [{ id: 'k-1', name: 'Ponsel lama', created_at: iso(now - 90 * HOUR_MS), used_at: iso(now - 2 * HOUR_MS) }],
    calendar: 1,
    linkTokens: new Set(['tautan-baik', 'tautan-lain', 'tautan-diketik']),
    invitation: 'undangan-baik-1',
    lessons: lessons(now),
    courses: COURSES.map((course) => ({ ...course, mentor: mentorOf(course.mentor), archived_at: null, created_at: iso(now) })),
    comments: comments(now),
    notices: notices(now),
    positions: { 'l-half': 400_000 },
    chapters: { 'l-past': [{ at_ms: 0, title: 'Pembuka' }, { at_ms: 3_000, title: 'Laju dan kecepatan' }, { at_ms: 6_000, title: 'Contoh soal' }] },
    reactions: { 'l-past': Array.from({ length: 30 }, (_, at) => ({ media_ms: at * 1_200, kind: 'tepuk', count: 1 + ((at * 7) % 11) })) },
    settings: { push_on: true, email_on: true, muted_kinds: [], quiet_from: null, quiet_until: null },
    devices: [
      { id: 's-1', label: 'Chrome di Android', current: true, created_at: iso(now - 40 * HOUR_MS), seen_at: iso(now) },
      { id: 's-2', label: 'Firefox di Windows', current: false, created_at: iso(now - 300 * HOUR_MS), seen_at: iso(now - 50 * HOUR_MS) },
    ],
    pinned: 'k-3',
    muted: null,
    socket: true,
    playback: 201,
    playbackCode: 'not-found',
    asked: [],
  };
  world.mentors = () =>
    MENTORS.map((mentor) => ({
      ...mentor,
      courses: world.courses.filter((course) => course.mentor.id === mentor.id).length,
      next_lesson: world.lessons.find((one) => one.mentor.id === mentor.id && one.state === 'scheduled') ?? null,
    }));
  world.lesson = (id) => world.lessons.find((one) => one.id === id);
  return world;
}
