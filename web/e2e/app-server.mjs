/**
 * A stand-in for the server behind the apps: their built pages, the API as `docs/spec/api.md` promises it, rooms, and media
 * that ffmpeg made. Refuses what the contract refuses (no CSRF token, no idempotency key), so that what passes here fits.
 */

import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { appFile, file, NAME, page, text } from './answers.mjs';
import { Deeds, paged } from './contract.mjs';
import { Rooms } from './rooms.mjs';
import { EMAIL, makeWorld, PASSWORD } from './world.mjs';

const APPS = fileURLToPath(new URL('../apps/', import.meta.url));
const COOKIE = 'tayang_session=secret';
/** Their answers are not kept: each brings a cookie, or a later end. */
const ONCE = /^(lessons\/[^/]+\/playback|playbacks\/[^/]+\/refresh)$/;

class Refusal extends Error {
  constructor(status, code, detail, errors) {
    super(detail);
    this.status = status;
    this.body = { type: `/problems/${code}`, title: code, status, detail, ...(errors === undefined ? {} : { errors }) };
  }
}

/** Starts on a free port. `live` and `recorded` are folders that {@link ./media.mjs} fills. */
export async function startApps({ live, recorded }) {
  const stage = { world: makeWorld(), deeds: new Deeds(ONCE), folders: { live, recorded }, down: false, sockets: new Set() };
  stage.rooms = new Rooms(stage.world);
  const server = createServer((request, response) => {
    serve(stage, request, response).catch(() => response.destroy());
  });
  server.on('upgrade', (request, socket) => (stage.down ? socket.destroy() : stage.rooms.upgrade(request, socket)));
  server.on('connection', (socket) => {
    stage.sockets.add(socket);
    socket.on('close', () => stage.sockets.delete(socket));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    get world() {
      return stage.world;
    },
    get rooms() {
      return stage.rooms;
    },
    /** A new world for a new test. */
    renew(change = {}) {
      stage.rooms.cut();
      stage.world = Object.assign(makeWorld(), change);
      stage.deeds = new Deeds(ONCE);
      stage.rooms = new Rooms(stage.world);
      stage.down = false;
    },
    /** Hangs up on everybody. */
    fail(down) {
      stage.down = down;
      if (down) for (const socket of stage.sockets) socket.destroy();
    },
    async close() {
      for (const socket of stage.sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function serve(stage, request, response) {
  if (stage.down) return response.destroy();
  const { pathname, searchParams } = new URL(request.url, 'http://stage');
  const parts = pathname.split('/').filter((part) => part !== '');
  if (pathname === '/time') return text(response, 200, new Date().toISOString());
  if (parts[0] === 'api') return api(stage, request, response, parts.slice(2), searchParams);
  if (parts[0] === 'media' && parts[2] === 'two.m3u8') return text(response, 200, await twoQualities(join(stage.folders[parts[1]] ?? '/nowhere', 'master.m3u8')), 'application/vnd.apple.mpegurl');
  if (parts[0] === 'media' && NAME.test(parts[2] ?? '')) return file(response, join(stage.folders[parts[1]] ?? stage.folders.recorded, parts[2]), 200, request);
  return app(request, response, parts);
}

/** The same media twice, once as if it were of a fifth. */
async function twoQualities(master) {
  const known = await readFile(master, 'utf8');
  const [info, uri] = known.split('\n').flatMap((line, at, lines) => (line.startsWith('#EXT-X-STREAM-INF') ? [line, lines[at + 1]] : []));
  const lean = info.replace(/RESOLUTION=\d+x\d+/, 'RESOLUTION=320x180').replace(/BANDWIDTH=\d+/g, 'BANDWIDTH=100000');
  return `${known.trimEnd()}\n${lean}\n${uri}?lean\n`;
}

/** A file of an app, or its page for every other path below its base. */
async function app(request, response, [name = '', ...rest]) {
  if (!NAME.test(name)) return text(response, 404, 'not found');
  const dist = join(APPS, name, 'dist');
  // As the real server has it: what is in `assets`, and what lies at the top with a dot in its name.
  const isFile = rest[0] === 'assets' || (rest.length === 1 && rest[0].includes('.'));
  if (!isFile) return page(request, response, join(dist, 'index.html'));
  return rest.every((part) => NAME.test(part)) ? appFile(request, response, join(dist, ...rest)) : text(response, 404, 'not found');
}

async function textOf(request) {
  let all = '';
  for await (const chunk of request) all += chunk;
  return all;
}

async function api(stage, request, response, parts, query) {
  const { world, deeds } = stage;
  const { method, headers } = request;
  const sent = await textOf(request);
  const body = sent === '' ? {} : JSON.parse(sent);
  const path = parts.join('/');
  world.asked.push({ method, path, body, query: Object.fromEntries(query), headers });
  if (parts[0] === 'lessons' && parts[2] === 'room') return stage.rooms.events(response);
  const key = method === 'POST' ? headers['idempotency-key'] : undefined;
  const [status, json] = deeds.before(key, path, sent) ?? answerTo(stage, request, response, { parts, path, query, body });
  if (key !== undefined) deeds.keep(key, path, sent, [status, json]);
  // It was done, and nobody hears of it.
  if (method === 'POST' && world.losesAnswers.test(path)) return response.destroy();
  return text(response, status, json === null ? '' : JSON.stringify(json), status < 400 ? 'application/json' : 'application/problem+json');
}

function answerTo(stage, request, response, { parts, path, query, body }) {
  try {
    guard(stage.world, request, path);
    const answer = route(stage, request.method, parts, query, body, response);
    if (answer === undefined) throw new Refusal(404, 'not-found', 'there is no such thing, or it is not for you');
    return Array.isArray(answer) ? answer : [200, answer];
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return [error.status, error.body];
  }
}

const OPEN = /^(session|session\/link|session\/passkey|session\/passkey\/options|accounts|password|password\/forgotten)$/;
/** Said by a beacon, which can send no header. */
const BEACON = /^playbacks\/[^/]+\/end$/;

function guard(world, { method, headers }, path) {
  const beacon = method === 'POST' && BEACON.test(path);
  if (method === 'POST' && !beacon && !/^[A-Za-z0-9_-]{1,64}$/.test(headers['idempotency-key'] ?? '')) throw new Refusal(400, 'no-idempotency-key', 'send an Idempotency-Key');
  if (OPEN.test(path)) return;
  if (!world.signedIn) throw new Refusal(401, 'not-signed-in', 'sign in and try again');
  if (method !== 'GET' && !beacon && headers['x-csrf-token'] !== world.csrf) throw new Refusal(403, 'csrf', 'send the X-CSRF-Token of the session');
}

const session = ({ signedIn, user, oidc, passkeys, csrf }) => ({
  user: signedIn ? user : null, csrf_token: csrf, roles: signedIn ? user.roles : [], expires_at: null, oidc, passkeys: passkeys !== null,
});

function route(stage, method, parts, query, body, response) {
  const { world } = stage;
  switch (parts[0]) {
    case 'session':
      return sessionRoute(world, method, parts, body, response);
    case 'accounts':
      return body.password.length < 10 ? refuseField('password', 'too_short', 'must have at least 10 characters') : [202, null];
    case 'password':
      if (parts[1] === 'forgotten') return [202, null];
      return body.current_password !== undefined && body.current_password !== PASSWORD ? refuseField('current_password', 'mismatch', 'is not the current one') : [204, null];
    case 'sessions':
      if (method === 'DELETE') world.devices = world.devices.filter(({ id }) => id !== parts[1]);
      return method === 'DELETE' ? [204, null] : paged(world.devices, query);
    case 'me':
      return meRoute(world, method, parts, query, body);
    case 'mentors':
      return parts.length === 1
        ? paged(world.mentors().filter(({ name, headline }) => `${name} ${headline}`.toLowerCase().includes((query.get('query') ?? '').toLowerCase())), query)
        : world.mentors().find(({ id }) => id === parts[1]);
    case 'courses':
      return courseRoute(world, method, parts, query, body);
    case 'lessons':
      return lessonRoute(stage, method, parts, query, body);
    case 'playbacks':
      return playbackRoute(world, method, parts);
    case 'notices':
      if (method === 'POST') world.notices = world.notices.map((one) => ({ ...one, read_at: new Date().toISOString() }));
      return method === 'POST' ? [204, null] : paged(world.notices, query);
    case 'push':
      return { public_key: 'BNbN3OuPYp1rDBLBQg4EdQuKb0UDBTh9mZ0VtLsSRsGh4J9xEwYmQ1G6wv5Xk5X0n1J8cX6v4u2Q9c0a6n8m1aE' };
    default:
      return undefined;
  }
}

function refuseField(field, code, detail) {
  throw new Refusal(422, 'invalid', 'correct the fields and send again', [{ field, code, detail }]);
}

function sessionRoute(world, method, parts, body, response) {
  if (method === 'POST') {
    if (parts[2] === 'options') return { challenge: 'tantangan', public_key: PASSKEY_TO_SHOW };
    if (parts[1] === 'passkey' && body.credential.id !== 'k-baik') throw new Refusal(401, 'wrong-passkey', 'this passkey does not sign in here');
    if (body.token === 'untuk-sandi') throw new Refusal(400, 'reset-link', 'this link chooses a new password and does not sign in');
    if (body.token === 'tautan-diketik' && body.keep_password === undefined) throw new Refusal(409, 'password-typed', 'say whether who opens the link typed the password');
    const byLink = parts[1] === 'link' ? world.linkTokens.delete(body.token) : null;
    const good = parts[1] === 'passkey' || (byLink ?? (body.email === EMAIL && body.password === PASSWORD));
    if (!good) throw new Refusal(401, 'wrong-credentials', 'check the address and the password');
    world.signedIn = true;
    world.csrf += '+';
    response.setHeader('set-cookie', `${COOKIE}; HttpOnly; SameSite=Lax; Path=/`);
  }
  if (method === 'DELETE') world.signedIn = false;
  // Its password was typed in another browser, or by somebody else.
  const choose = parts[1] === 'link' && (body.token === 'tautan-lain' || body.keep_password === false) ? { choose_password: true } : {};
  return method === 'DELETE' ? [204, null] : { ...session(world), ...choose };
}

function meRoute(world, method, [, what, id], query, body) {
  if (what === undefined && method === 'PATCH') Object.assign(world.user, body);
  if (what === undefined) return world.user;
  if (what === 'passkeys') return passkeyRoute(world, method, id, query, body);
  if (what === 'calendar' && method === 'DELETE') world.calendar += 1;
  if (what === 'calendar') return method === 'DELETE' ? [204, null] : { url: `/calendar/rahasia-${world.calendar}.ics` };
  if (what === 'positions') return [200, positions(world).slice(0, Number(query.get('limit') ?? 20))];
  if (what === 'notice-settings') return method === 'PATCH' ? Object.assign(world.settings, body) : world.settings;
  if (what === 'push-subscriptions') return method === 'POST' ? [201, { id: 'p-1' }] : [204, null];
  return undefined;
}

const PASSKEY_TO_MAKE = {
  challenge: 'AAECAwQFBgcICQoLDA0ODw', rp: { id: 'tayang.test', name: 'tayang.test' }, user: { id: 'AQIDBA', name: EMAIL, displayName: 'Peserta Satu' },
  pubKeyCredParams: [{ type: 'public-key', alg: -7 }],
};
const PASSKEY_TO_SHOW = { challenge: 'AAECAwQFBgcICQoLDA0ODw', rpId: 'tayang.test', userVerification: 'required' };

/** What a browser says of passkeys is not verified here. */
function passkeyRoute(world, method, id, query, body) {
  if (method === 'GET') return paged(world.passkeys, query);
  if (method === 'DELETE') world.passkeys = world.passkeys.filter((one) => one.id !== id);
  if (method === 'DELETE') return [204, null];
  if (id === 'options') {
    if (body.current_password === undefined) return refuseField('current_password', 'required', 'must be your password until now');
    if (body.current_password !== PASSWORD) return refuseField('current_password', 'mismatch', 'is not your password');
    return { challenge: 'tantangan', public_key: PASSKEY_TO_MAKE };
  }
  const made = { id: `k-${world.passkeys.length + 1}`, name: body.name, created_at: new Date().toISOString(), used_at: null };
  world.passkeys = [...world.passkeys, made];
  return [201, made];
}

/** Of recordings that play, the newest first. */
function positions({ positions: kept, lessons }) {
  const found = Object.entries(kept).flatMap(([id, at_ms]) => {
    const lesson = lessons.find((one) => one.id === id && one.can.replay);
    return lesson === undefined ? [] : [{ lesson, at_ms }];
  });
  return found.toReversed().map(({ lesson: { id, title, started_at, ended_at }, at_ms }) => ({
    lesson: { id, title }, at_ms, saved_at: new Date().toISOString(), duration_ms: Date.parse(ended_at) - Date.parse(started_at),
  }));
}

function courseRoute(world, method, [, id, what], query, body) {
  if (id === undefined) return paged(world.courses.filter(({ mentor, hidden }) => hidden !== true && [null, mentor.id].includes(query.get('mentor'))), query);
  const course = world.courses.find((one) => one.id === id);
  const known = course?.hidden !== true || course.my_enrolment !== null || query.get('invitation') === world.invitation;
  if (course === undefined || what === undefined) return known ? course : undefined;
  if (method === 'DELETE') course.my_enrolment = null;
  if (method === 'DELETE') return [204, null];
  if (course.enrolment === 'invitation' && body.invitation !== world.invitation) throw new Refusal(404, 'not-invited', 'ask the mentor for a new invitation');
  course.my_enrolment = course.enrolment === 'approval' ? 'requested' : 'active';
  return [201, { state: course.my_enrolment }];
}

function lessonRoute(stage, method, [, id, what], query, body) {
  const { world, rooms } = stage;
  if (id === undefined) return paged(listed(world, query), query);
  const lesson = world.lesson(id);
  if (lesson === undefined) return undefined;
  switch (what) {
    case undefined:
      return lesson;
    case 'playback':
      if (world.playback !== 201) throw new Refusal(world.playback, world.playbackCode, 'there is no such thing, or it is not for you');
      if (body.download === true) return [201, playback(world, lesson, body.recording)];
      Object.assign(world, { played: lesson, part: body.recording });
      world.playbacks += 1;
      return [201, playback(world, lesson, world.part)];
    case 'position':
      if (method === 'PUT') world.positions[id] = body.at_ms;
      return method === 'PUT' ? [204, null] : { at_ms: world.positions[id] ?? 0 };
    case 'chapters':
      return [200, world.chapters[id] ?? []];
    case 'comments':
      if (method === 'POST') return [201, rooms.take({ t: 'comment', ...body })];
      return paged(world.comments.filter((one) => inside(one, query)), query);
    case 'reactions':
      return method === 'POST' ? [202, rooms.take({ t: 'react', ...body }) ?? null] : [200, world.reactions[id] ?? []];
    case 'hand':
      return [202, rooms.take({ t: 'hand', ...body }) ?? null];
    default:
      return undefined;
  }
}

const beginOf = ({ starts_at }) => Date.parse(starts_at);

function listed({ lessons }, query) {
  const wanted = (name, value) => [null, value].includes(query.get(name));
  const mine = ({ course, attended }) => ({ attending: course.id === 'c-1', attended: attended === true })[query.get('mine')] ?? true;
  const [from, until] = ['from', 'until'].map((name) => Date.parse(query.get(name) ?? ''));
  return lessons
    .filter((one) => wanted('state', one.state) && wanted('course', one.course.id) && wanted('mentor', one.mentor.id) && mine(one))
    .filter((one) => !(beginOf(one) < from) && !(beginOf(one) >= until))
    .toSorted((a, b) => (query.get('order') === 'newest' ? beginOf(b) - beginOf(a) : beginOf(a) - beginOf(b)));
}

function playbackRoute(world, method, [, id, what]) {
  if (method === 'DELETE' || what === 'end') return [204, null];
  // It ran out, or the server was started anew.
  if (world.forgets || id !== `pb-${world.played.id}-${world.playbacks}`) return undefined;
  return playback(world, world.played, world.part);
}

function inside({ seq, media_ms }, query) {
  const number = (name, otherwise) => Number(query.get(name) ?? otherwise);
  return seq > number('after', 0) && media_ms >= number('from_ms', 0) && media_ms < number('until_ms', Infinity);
}

function playback({ playbacks, refreshMs, moved, master, recordings }, { id, state, started_at }, part) {
  const live = state === 'live';
  const base = live ? '/media/live/' : `/media/${part ?? 'recorded'}/`;
  return {
    playback_id: `pb-${id}-${playbacks}`, kind: live ? 'live' : 'recording', base_url: base,
    urls: live
      ? { llhls: 'master.m3u8', hls_ts: 'live.m3u8', dash: 'manifest.mpd', flv: null, ws_flv: null, mp4: null }
      : { llhls: `${master}${moved}`, hls_ts: null, dash: null, flv: null, ws_flv: null, mp4: 'recording.mp4' },
    expires_at: new Date(Date.now() + 2 * refreshMs).toISOString(), refresh_after_ms: refreshMs,
    live_offset_at: null, media_started_at: started_at, recordings: live ? [] : recordings,
  };
}
