/** The routes of `docs/spec/api.md` that MyMentee asks for, over a {@link ./mentee-world.mjs world}. */

import { comment, MENTOR, PEOPLE } from './mentee-world.mjs';

/** What changes something carries it, and with the session of nobody it does not fit. */
export const CSRF = 'of-this-session';
const QR = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 29 29"><rect width="29" height="29" fill="#fff"/><path d="M4 4h7v7h-7zM18 4h7v7h-7zM4 18h7v7h-7zM13 13h3v3h-3zM18 18h2v2h-2zM22 20h3v3h-3zM14 6h2v2h-2z" fill="#000"/></svg>';

/** A page of a list as the contract has it: 20 unless `limit` says otherwise, from where `cursor` left off. */
function page(items, query = new URLSearchParams()) {
  const [limit, from] = [Number(query.get('limit') ?? 20), Number(query.get('cursor') ?? 0)];
  const next = from + limit;
  return { items: items.slice(from, next), next_cursor: next < items.length ? String(next) : null };
}

const ok = (body) => ({ status: 200, body });
const made = (body) => ({ status: 201, body });
const done = { status: 204, body: null };
const problem = (status, code, detail, errors) => ({ status, body: { type: `/problems/${code}`, title: code, status, detail, ...(errors === undefined ? {} : { errors }) } });
const missing = problem(404, 'not_found', 'there is no such thing');

function change(list, id, fields) {
  const found = list.find((one) => one.id === id);
  if (found === undefined) return missing;
  Object.assign(found, fields);
  return ok(found);
}

function publishing(world, id) {
  const found = world.lessons.find((one) => one.id === id);
  const key = world.lessonKeys[id] ?? null;
  return {
    rtmp_url: 'rtmp://tayang.contoh.id/live', rtmps_url: 'rtmps://tayang.contoh.id:1936/live', whip_url: null, key_hint: key === null ? null : `…${key.slice(-4)}`, qr_svg: key === null ? null : QR,
    armed_from: new Date(Date.parse(found.starts_at) - 30 * 60_000).toISOString(), armed_until: new Date(Date.parse(found.ends_at) + 30 * 60_000).toISOString(),
    ffmpeg: 'ffmpeg -re -i berkas.mp4 -c copy -f flv rtmp://tayang.contoh.id/live/KUNCI', obs: { server: 'rtmps://tayang.contoh.id:1936/live', key: null },
  };
}

function newLessons(world, body) {
  const weeks = body.repeat_weeks ?? 1;
  const course = world.courses.find(({ id }) => id === body.course_id);
  const template = world.lessons[1];
  const items = Array.from({ length: weeks }, (_, week) => {
    const later = (at) => new Date(Date.parse(at) + week * 7 * 86_400_000).toISOString();
    return {
      ...template, ...body, id: `l-new-${world.lessons.length + week}`, course: { id: course.id, title: course.title }, starts_at: later(body.starts_at), ends_at: later(body.ends_at),
      series_id: weeks > 1 ? 's-new' : null, state: 'scheduled', viewers: 0,
    };
  });
  world.lessons.push(...items);
  return made({ items });
}

function listLessons(world, query) {
  const wanted = (name) => query.get(name);
  const found = world.lessons.filter((one) => (wanted('state') === null || one.state === wanted('state'))
    && (wanted('course') === null || one.course.id === wanted('course'))
    && (wanted('from') === null || one.starts_at >= wanted('from'))
    && (wanted('until') === null || one.starts_at < wanted('until')));
  const sign = wanted('order') === 'newest' ? -1 : 1;
  return found.toSorted((a, b) => sign * (Date.parse(a.starts_at) - Date.parse(b.starts_at)));
}

const somebody = (id) => PEOPLE.find((one) => one.id === id) ?? { id, name: id };

/** A lesson, and what belongs to it. */
function lessonRoute(world, method, [id, part, who], query, body, tell) {
  const found = world.lessons.find((one) => one.id === id);
  if (found === undefined) return missing;
  const key = part === undefined ? method : `${method} ${part}`;
  switch (key) {
    case 'GET': return ok(found);
    case 'PATCH': {
      Object.assign(found, body);
      tell(id, { t: 'settings', slow_ms: found.slow_ms, comments_on: found.comments_on, review_on: found.review_on });
      return ok(found);
    }
    case 'POST cancel': return change(world.lessons, id, { state: 'cancelled' });
    case 'POST start': return change(world.lessons, id, { state: 'live', started_at: new Date().toISOString(), on_air: world.health.on_air, recording: 'recording' });
    case 'POST end': return change(world.lessons, id, { state: 'ended', ended_at: new Date().toISOString(), on_air: false, recording: 'ready' });
    case 'GET publishing': return ok(publishing(world, id));
    case 'POST publishing': {
      world.lessonKeys[id] = `kunci-uji-${Object.keys(world.lessonKeys).length + 1}-aB3d`;
      const answer = publishing(world, id);
      return ok({ ...answer, obs: { ...answer.obs, key: world.lessonKeys[id] } });
    }
    case 'GET health': return ok(world.health);
    case 'GET viewers': return ok({ count: world.viewers.length + 1, items: world.viewers });
    case 'GET attendance': return ok(page(world.attendance, query));
    case 'PATCH attendance': {
      const entry = world.attendance.find(({ user }) => user.id === who);
      Object.assign(entry, { decision: body.decision, attended: body.decision === 'measured' ? entry.watched_ms > 10_000 : body.decision === 'present' });
      return ok(entry);
    }
    case 'GET chapters': return ok(world.chapters);
    case 'PUT chapters': {
      world.chapters = body;
      return done;
    }
    case 'GET comments': return ok(page(world.room.comments.filter(({ seq }) => seq > Number(query.get('after') ?? 0)), query));
    case 'PATCH comments': {
      const one = world.room.comments.find((each) => each.id === who);
      Object.assign(one, body);
      tell(id, { t: 'comment_changed', id: who, state: one.state, pinned: one.pinned });
      return ok(one);
    }
    case 'POST playback': return made(playback(found));
    case 'GET bans': return ok(page(world.bans, query));
    case 'GET mutes': return ok(page(world.mutes, query));
    case 'PUT bans': {
      world.bans = [...world.bans.filter(({ user }) => user.id !== who), { user: somebody(who), reason: body.reason, since_at: new Date().toISOString() }];
      return done;
    }
    case 'PUT mutes': {
      const mute = { user: somebody(who), muted_until_at: new Date(Date.now() + body.minutes * 60_000).toISOString() };
      world.mutes = [...world.mutes.filter(({ user }) => user.id !== who), mute];
      return ok({ muted_until_at: mute.muted_until_at });
    }
    case 'DELETE bans':
    case 'DELETE mutes': {
      world[part] = world[part].filter(({ user }) => user.id !== who);
      return done;
    }
    case 'DELETE hands': {
      world.room.hands = world.room.hands.filter((one) => one.id !== who);
      tell(id, { t: 'hand', user: somebody(who), raised: false });
      return done;
    }
    default: return missing;
  }
}

function playback(found) {
  const recording = found.state === 'ended';
  const folder = recording ? '/media/recorded/' : '/media/live/';
  const urls = recording ? { llhls: `${folder}master.m3u8`, mp4: `${folder}recording.mp4` } : { llhls: `${folder}master.m3u8`, dash: `${folder}manifest.mpd` };
  return { playback_id: `p-${found.id}`, kind: recording ? 'recording' : 'live', base_url: folder, urls, expires_at: new Date(Date.now() + 60_000).toISOString(), refresh_after_ms: 40_000, live_offset_at: null, media_started_at: null, recordings: [] };
}

function courseRoute(world, method, [id, part, who], query, body) {
  if (id === undefined) {
    if (method === 'GET') return ok(page(world.courses, query));
    const course = { ...world.courses[0], ...body, id: `c-new-${world.courses.length}`, enrolled: 0, archived_at: null };
    world.courses.push(course);
    return made(course);
  }
  const found = world.courses.find((one) => one.id === id);
  if (found === undefined) return missing;
  switch (part === undefined ? method : `${method} ${part}`) {
    case 'GET': return ok(found);
    case 'PATCH': {
      const { archived, ...fields } = body;
      Object.assign(found, fields, archived === undefined ? {} : { archived_at: archived ? new Date().toISOString() : null });
      return ok(found);
    }
    case 'GET enrolments': return ok(page(world.enrolments.filter(({ state }) => query.get('state') === null || state === query.get('state')), query));
    case 'PATCH enrolments': {
      const one = world.enrolments.find(({ user }) => user.id === who);
      one.state = body.state;
      return ok(one);
    }
    case 'GET invitations': return ok(page(world.invitations, query));
    case 'POST invitations': {
      const one = { id: `i-${world.invitations.length + 1}`, uses_left: body.uses, expires_at: body.expires_at };
      world.invitations.unshift(one);
      return made({ ...one, url: 'https://tayang.contoh.id/mymentor/courses/c-fisika?invitation=Zx81kQpLm2' });
    }
    case 'DELETE invitations': {
      world.invitations = world.invitations.filter((one) => one.id !== who);
      return done;
    }
    default: return missing;
  }
}

function webhookRoute(world, method, [id, part], query, body) {
  if (id === undefined) {
    if (method === 'GET') return ok(page(world.webhooks, query));
    const hook = { id: `w-${world.webhooks.length + 1}`, ...body, created_at: new Date().toISOString(), disabled_at: null };
    world.webhooks.push(hook);
    return made({ ...hook, secret: 'rahasia-uji-0123456789abcdef' });
  }
  if (part === 'deliveries') {
    if (method === 'POST') return ok({ ...world.deliveries[0], state: 'waiting' });
    return ok(page(world.deliveries.filter(({ state }) => query.get('state') === null || state === query.get('state')), query));
  }
  if (method === 'DELETE') {
    world.webhooks = world.webhooks.filter((one) => one.id !== id);
    return done;
  }
  const { disabled, ...fields } = method === 'PATCH' ? body : {};
  return change(world.webhooks, id, { ...fields, ...(disabled === undefined ? {} : { disabled_at: disabled ? new Date().toISOString() : null }) });
}

function meRoute(world, method, [first, who], body) {
  switch (`${method} ${first ?? ''}`) {
    case 'GET ': return ok(world.user);
    case 'PATCH ': {
      world.user = { ...world.user, ...body };
      return ok(world.user);
    }
    case 'PUT mentor': {
      Object.assign(world.mentor, body);
      return ok(world.mentor);
    }
    case 'GET keys': return ok(page(world.keys));
    case 'POST keys': {
      const key = { id: `y-${world.keys.length + 1}`, hint: '…Xw9k', created_at: new Date().toISOString() };
      world.keys.push(key);
      return made({ ...key, key: 'kunci-tetap-uji-Xw9k' });
    }
    case 'DELETE keys': {
      world.keys = world.keys.filter((one) => one.id !== who);
      return done;
    }
    case 'GET calendar': return ok({ url: `/calendar/rahasia-${world.calendar}.ics` });
    case 'DELETE calendar': {
      world.calendar += 1;
      return done;
    }
    case 'GET notice-settings':
    case 'PATCH notice-settings': return ok(Object.assign(world.noticeSettings, body ?? {}));
    default: return missing;
  }
}

function operatorRoute(world, method, [what, id, part], query, body) {
  if (!world.user.roles.includes('operator')) return problem(403, 'forbidden', 'operators may');
  if (what === 'audit') return ok(page(world.audit.filter(({ subject }) => query.get('subject') === null || subject === query.get('subject')), query));
  const wanted = (query.get('query') ?? '').toLowerCase();
  if (id === undefined) return ok(page(world.users.filter(({ name, email }) => `${name} ${email}`.toLowerCase().includes(wanted)), query));
  if (part === 'sign-in-link') return made({ url: 'https://tayang.contoh.id/mymentor/link#sekali-pakai-9Fk2', expires_at: new Date(Date.now() + 3_600_000).toISOString() });
  if (method !== 'PATCH') return change(world.users, id, {});
  const { roles, suspended } = body;
  return change(world.users, id, {
    ...(roles === undefined ? {} : { roles, is_mentor: roles.includes('mentor') }), ...(suspended === undefined ? {} : { suspended_at: suspended ? new Date().toISOString() : null }),
  });
}

function sessionOf(world) {
  const { user } = world;
  return { user, csrf_token: user === null ? 'of-nobody' : CSRF, roles: user?.roles ?? [], expires_at: null, oidc: [], passkeys: false };
}

function signIn(world, body) {
  if (body?.password !== 'sandi rahasia') return problem(401, 'unauthorised', 'email or password do not fit');
  world.user = world.after ?? MENTOR;
  return ok(sessionOf(world));
}

/** Answers one request of the API: `{status, body}`. */
export function answerApi(world, method, parts, query, body, tell) {
  const [first, ...rest] = parts;
  if (first === 'session') {
    if (method === 'POST') return signIn(world, body);
    if (method === 'DELETE') {
      world.user = null;
      return done;
    }
    return ok(sessionOf(world));
  }
  if (world.user === null) return problem(401, 'unauthorised', 'sign in first');
  switch (first) {
    case 'me': return meRoute(world, method, rest, body);
    case 'courses': return courseRoute(world, method, rest, query, body);
    case 'lessons':
      if (rest.length > 0) return lessonRoute(world, method, rest, query, body, tell);
      return method === 'POST' ? newLessons(world, body) : ok(page(listLessons(world, query), query));
    case 'mentors': return ok(world.mentor);
    case 'notices': return method === 'POST' ? done : ok(page(world.notices));
    case 'sessions': return ok(page([{ id: 'z-1', label: 'Chromium di Linux', current: true, created_at: new Date().toISOString(), seen_at: null }]));
    case 'users':
    case 'audit': return operatorRoute(world, method, parts, query, body);
    case 'webhooks': return webhookRoute(world, method, rest, query, body);
    case 'playbacks': return method === 'DELETE' ? done : ok({ ...playback(world.lessons.find(({ id }) => `p-${id}` === rest[0])) });
    default: return missing;
  }
}

/** What a line into the room is greeted with. */
export function hello({ room }) {
  const last = room.comments.at(-1)?.seq ?? 0;
  return [
    { t: 'hello', seq: last, viewers: room.viewers, pinned: room.comments.filter(({ pinned }) => pinned), slow_ms: 0, comments_on: true, me: { muted_until_at: null, hand: false } },
    { t: 'reactions', media_ms: 0, counts: {}, totals: room.totals },
    ...room.hands.map((user) => ({ t: 'hand', user, raised: true })),
  ];
}

/** What one said in the room becomes. */
export function take(world, text) {
  const message = JSON.parse(text);
  if (message.t !== 'comment') return { all: [], own: [] };
  const seq = (world.room.comments.at(-1)?.seq ?? 0) + 1;
  const said = comment(seq, world.user, message.body, { client_id: message.client_id, at: new Date().toISOString() });
  world.room.comments.push(said);
  return { all: [{ t: 'comment', ...said }], own: [{ t: 'ack', client_id: message.client_id, seq }] };
}
