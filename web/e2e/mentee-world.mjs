/** What the stand-in server of MyMentee knows at the start: one mentor, courses, lessons in every state, a room. */

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

export const MENTOR = {
  id: 'u-mentor', email: 'mentor@contoh.id', name: 'Mentor Satu', locale: 'id', zone: 'Asia/Jakarta', roles: ['mentor'], is_mentor: true, created_at: '2026-01-05T02:00:00.000Z',
};
export const OPERATOR = { ...MENTOR, id: 'u-operator', email: 'pengelola@contoh.id', name: 'Pengelola Satu', roles: ['operator'], is_mentor: false };
export const MENTEE = { ...MENTOR, id: 'u-mentee', email: 'peserta@contoh.id', name: 'Peserta Satu', roles: ['mentee'], is_mentor: false };

const iso = (at) => new Date(at).toISOString();
const person = (n, name) => ({ id: `u-${n}`, name });
export const PEOPLE = [
  person(1, 'Peserta Satu'), person(2, 'Peserta Dua'), person(3, 'Peserta Tiga'), person(4, 'Peserta Empat'), person(5, 'Peserta Lima'),
  person(6, 'Peserta Enam'), person(7, 'Peserta Tujuh'), person(8, 'Peserta Delapan'), person(9, 'Peserta Sembilan dengan Nama yang Agak Panjang'),
];

function course(id, title, fields = {}) {
  return {
    id, mentor: { id: MENTOR.id, name: MENTOR.name }, title, summary: 'Belajar pelan-pelan dari awal, dengan banyak contoh sehari-hari.', enrolment: 'open', capacity: null,
    enrolled: 24, my_enrolment: null, archived_at: null, created_at: '2026-02-01T02:00:00.000Z', ...fields,
  };
}

export function lesson(id, fields, of = { id: 'c-fisika', title: 'Fisika dasar' }) {
  const state = fields.state ?? 'scheduled';
  return {
    id, course: of, mentor: { id: MENTOR.id, name: MENTOR.name }, title: 'Gelombang dan bunyi', summary: 'Apa itu gelombang, dan mengapa kita mendengar.\nSiapkan gelas, air, dan sendok.',
    zone: 'Asia/Jakarta', on_air: false, stalled: false, started_at: null, ended_at: null, series_id: null, capacity: null, comments_on: true, review_on: false, slow_ms: 0,
    word_filter: [], recording: null, can: { watch: true, replay: true, comment: true, moderate: true, enrol: false }, attended: null, viewers: 0, ...fields, state,
  };
}

function lessons(now) {
  const hour = Math.ceil(now / HOUR) * HOUR;
  const at = (start, length = 1.5 * HOUR) => ({ starts_at: iso(start), ends_at: iso(start + length) });
  return [
    lesson('l-live', { ...at(now - 25 * 60_000), title: 'Hukum Newton di dapur', state: 'live', on_air: true, started_at: iso(now - 25 * 60_000), recording: 'recording', viewers: 7 }),
    lesson('l-next', { ...at(now + 20 * 60_000), title: 'Gelombang dan bunyi', series_id: 's-1' }),
    lesson('l-later', { ...at(hour + 2 * DAY), title: 'Cahaya dan lensa', series_id: 's-1' }),
    lesson('l-algebra', { ...at(hour + 3 * DAY, HOUR), title: 'Aljabar: persamaan kuadrat' }, { id: 'c-aljabar', title: 'Aljabar' }),
    lesson('l-week', { ...at(hour + 7 * DAY + 20 * 60_000), title: 'Gelombang dan bunyi', series_id: 's-1' }),
    lesson('l-cancelled', { ...at(hour + 4 * DAY), title: 'Latihan soal', state: 'cancelled' }),
    lesson('l-ended', { ...at(now - DAY), title: 'Energi dan usaha', state: 'ended', started_at: iso(now - DAY), ended_at: iso(now - DAY + 1.4 * HOUR), recording: 'ready' }),
    lesson('l-ended-2', { ...at(now - 8 * DAY), title: 'Besaran dan satuan', state: 'ended', started_at: iso(now - 8 * DAY), ended_at: iso(now - 8 * DAY + HOUR), recording: 'ready' }),
  ];
}

export function comment(seq, user, body, fields = {}) {
  return { id: `k-${seq}`, seq, user: { ...user, mentor: user.id === MENTOR.id }, body, at: iso(Date.now() - 60_000), media_ms: seq * 1_500, client_id: null, state: 'shown', pinned: false, ...fields };
}

function entry(user, decision, attended, ...parts) {
  const watched = parts.reduce((sum, one) => sum + Date.parse(one.to_at) - Date.parse(one.from_at), 0);
  return { user, watched_ms: watched, first_at: parts[0]?.from_at ?? null, last_at: parts.at(-1)?.to_at ?? null, decision, attended, intervals: parts };
}

function attendance(now) {
  const start = now - DAY;
  const part = (from, to) => ({ from_at: iso(start + from * 60_000), to_at: iso(start + to * 60_000), protocol: 'llhls' });
  return [
    entry(PEOPLE[0], 'measured', true, part(0, 84)),
    entry(PEOPLE[1], 'measured', true, part(2, 30), part(41, 80)),
    entry(PEOPLE[2], 'present', true, part(70, 72)),
    entry(PEOPLE[3], 'absent', false, part(10, 20)),
    entry(PEOPLE[4], 'measured', false),
    entry(PEOPLE[5], 'measured', true, part(5, 84)),
    entry(PEOPLE[6], 'measured', true, part(0, 20), part(22, 40), part(50, 84)),
    entry(PEOPLE[8], 'measured', true, part(12, 84)),
  ];
}

export const HEALTHY = {
  on_air: true, publisher: { protocol: 'rtmp', since_at: iso(Date.now() - 25 * 60_000) },
  video: { codec: 'avc1.64001f', width: 1280, height: 720, fps: 30, bitrate_kbps: 2450 }, audio: { codec: 'mp4a.40.2', bitrate_kbps: 128 }, warnings: [],
};
export const SILENT = { on_air: false, publisher: null, video: null, audio: null, warnings: [] };

function room() {
  return {
    comments: [
      comment(1, PEOPLE[0], 'Selamat malam, Pak!'),
      comment(2, PEOPLE[1], 'Apakah gaya gesek selalu melawan arah gerak?'),
      comment(3, MENTOR, 'Pertanyaan bagus, kita bahas setelah contoh ini.', { pinned: true }),
      comment(4, PEOPLE[3], 'Suaranya jelas sekali, terima kasih.'),
      comment(5, PEOPLE[2], 'Ada tautan latihan?', { state: 'held' }),
    ],
    totals: { hati: 41, jempol: 18, tepuk: 9, tawa: 3, kaget: 0, tanya: 5 },
    hands: [PEOPLE[1], PEOPLE[4]],
    viewers: 7,
  };
}

const DELIVERIES = [
  { id: 'd-1', kind: 'lesson_started', state: 'sent', attempts: 1, last_status: null, created_at: '2026-11-27T12:00:00.000Z' },
  { id: 'd-2', kind: 'recording_ready', state: 'waiting', attempts: 4, last_status: 503, created_at: '2026-11-27T13:30:00.000Z' },
  { id: 'd-3', kind: 'lesson_scheduled', state: 'dead', attempts: 22, last_status: null, created_at: '2026-11-20T03:00:00.000Z' },
];

const plain = (one) => ({ ...one, verified_at: one.created_at, suspended_at: null });

/** More people than a page of the list holds. */
function users() {
  const others = Array.from({ length: 60 }, (_, at) => ({ ...MENTEE, id: `u-other-${at}`, name: `Warga ${at + 1}`, email: `warga${at + 1}@contoh.id`, zone: 'Asia/Makassar' }));
  return [plain(OPERATOR), plain(MENTOR), plain({ ...MENTEE, id: 'u-1' }), { ...plain({ ...MENTEE, id: 'u-2', name: 'Peserta Dua', email: 'dua@contoh.id' }), verified_at: null, suspended_at: '2026-11-01T03:00:00.000Z' }, ...others.map(plain)];
}

const AUDIT = [
  { id: 'a-1', at: '2026-11-27T12:00:00.000Z', actor_id: 'u-operator', action: 'roles_changed', subject: 'user:u-1', detail: 'mentee' },
  { id: 'a-2', at: '2026-11-26T12:00:00.000Z', actor_id: null, action: 'sign_in_failed', subject: 'user:u-2', detail: 'suspended' },
  { id: 'a-3', at: '2026-11-25T12:00:00.000Z', actor_id: 'u-mentor', action: 'attendance_corrected', subject: 'lesson:l-ended', detail: 'present' },
];

/** A world of its own for every test. */
export function makeWorld() {
  const now = Date.now();
  return {
    user: MENTOR,
    courses: [course('c-fisika', 'Fisika dasar', { enrolment: 'approval', capacity: 40 }), course('c-aljabar', 'Aljabar', { enrolled: 8 }), course('c-lama', 'Kimia (2025)', { archived_at: '2026-01-01T00:00:00.000Z', enrolled: 31 })],
    lessons: lessons(now),
    enrolments: [
      ...PEOPLE.slice(0, 3).map((user) => ({ user, state: 'active', created_at: iso(now - 40 * DAY) })),
      { user: PEOPLE[7], state: 'requested', created_at: iso(now - 2 * HOUR) },
      { user: PEOPLE[8], state: 'requested', created_at: iso(now - 5 * HOUR) },
    ],
    invitations: [{ id: 'i-1', uses_left: 12, expires_at: iso(now + 5 * DAY) }, { id: 'i-2', uses_left: 1, expires_at: iso(now + 300 * DAY) }],
    keys: [{ id: 'y-1', hint: 'telepon …q7Zt', created_at: iso(now - 60 * DAY) }],
    lessonKeys: {},
    health: SILENT,
    viewers: PEOPLE.slice(0, 6).map((user, at) => ({ user, protocol: at === 2 ? 'flv' : 'llhls', since_at: iso(now - (20 - at) * 60_000) })),
    attendance: attendance(now),
    users: users(),
    audit: AUDIT,
    calendar: 1,
    bans: [],
    mutes: [],
    /** By key: the request that it stood for, and what was answered. */
    kept: new Map(),
    /** `POST /lessons`: it is done, and the answer is lost on the way. */
    lost: null,
    /** `PATCH /lessons/l-1` → fields and what is wrong with them. */
    refuse: {},
    chapters: [{ at_ms: 0, title: 'Pembukaan' }, { at_ms: 4_000, title: 'Contoh pertama' }],
    room: room(),
    mentor: { id: MENTOR.id, name: MENTOR.name, headline: 'Guru fisika yang suka percobaan dapur', bio: 'Mengajar sejak 2010.', courses: 2, next_lesson: null },
    notices: [{ id: 'n-1', kind: 'lesson_soon', lesson: { id: 'l-next', title: 'Gelombang dan bunyi' }, title: 'Gelombang dan bunyi segera dimulai', body: '15 menit lagi.', created_at: iso(now - 60_000), read_at: null }],
    noticeSettings: { push_on: true, email_on: true, muted_kinds: [], quiet_from: null, quiet_until: null },
    webhooks: [{ id: 'w-1', url: 'https://contoh.id/kejadian-tayang', kinds: ['lesson_started', 'recording_ready'], created_at: iso(now - 30 * DAY), disabled_at: null }],
    deliveries: DELIVERIES.map((one) => ({ ...one })),
    asked: [],
    sent: [],
  };
}
