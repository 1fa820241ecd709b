/** A stand-in for the server before MyMentee: the built app, its API over a world that tests set, a room, and media. */

import { createServer } from 'node:http';
import { join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { appFile, file, page, text } from './answers.mjs';
import { answerApi, CSRF, hello, take } from './mentee-routes.mjs';
import { makeWorld } from './mentee-world.mjs';
import { acceptWebSocket } from './websocket.mjs';

const DIST = fileURLToPath(new URL('../apps/mymentee/dist/', import.meta.url));

/** Starts on a free port of loopback. `live` and `recorded` are folders that {@link ./media.mjs} fills. */
export async function startMentee({ live, recorded }) {
  const mock = { world: makeWorld(), lines: new Map(), sockets: new Set(), folders: { live, recorded } };
  const server = createServer((request, response) => {
    answer(mock, request, response).catch(() => response.destroy());
  });
  server.on('upgrade', (request, socket) => enter(mock, request, socket));
  server.on('connection', (socket) => {
    mock.sockets.add(socket);
    socket.on('close', () => mock.sockets.delete(socket));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    get world() {
      return mock.world;
    },
    /** A new world, as at the start. */
    reset() {
      mock.world = makeWorld();
      return mock.world;
    },
    /** Says something in the room of a lesson. */
    say: (lesson, ...events) => tell(mock, lesson, ...events),
    async close() {
      for (const socket of mock.sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function tell(mock, lesson, ...events) {
  for (const line of mock.lines.get(lesson) ?? []) line.send(JSON.stringify(events));
}

function enter(mock, request, socket) {
  const lesson = /^\/api\/v1\/lessons\/([^/]+)\/room$/.exec(request.url)?.[1];
  if (lesson === undefined) return socket.destroy();
  const line = acceptWebSocket(request, socket, 'tayang.room.v1', (said) => {
    const { all, own } = take(mock.world, said);
    if (all.length > 0) tell(mock, lesson, ...all);
    if (own.length > 0) line.send(JSON.stringify(own));
  });
  const lines = mock.lines.get(lesson) ?? new Set();
  mock.lines.set(lesson, lines.add(line));
  socket.on('close', () => lines.delete(line));
  line.send(JSON.stringify(hello(mock.world)));
  return undefined;
}

async function bodyOf(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const whole = Buffer.concat(chunks).toString();
  return whole === '' ? null : JSON.parse(whole);
}

async function answer(mock, request, response) {
  const { pathname, searchParams } = new URL(request.url, 'http://mock');
  if (pathname === '/time') return text(response, 200, new Date().toISOString(), 'text/plain');
  if (pathname.startsWith('/api/v1/')) return api(mock, request, response, pathname.slice(8).split('/').filter((part) => part !== ''), searchParams);
  const media = /^\/media\/(live|recorded)\/([\w.-]+)$/.exec(pathname);
  if (media !== null) return file(response, join(mock.folders[media[1]], media[2]), 200, request);
  if (!pathname.startsWith('/mymentee/')) return text(response, 404, 'not found', 'text/plain');
  const inside = normalize(pathname.slice('/mymentee/'.length));
  if (/^(assets\/.+|[\w-]+\.(js|png|webmanifest))$/.test(inside)) return appFile(request, response, join(DIST, inside));
  return page(request, response, join(DIST, 'index.html'));
}

async function api(mock, request, response, parts, query) {
  const body = await bodyOf(request);
  const { world } = mock;
  world.asked.push(`${request.method} /${parts.join('/')}`);
  if (request.method !== 'GET') world.sent.push({ what: `${request.method} /${parts.join('/')}`, query: query.toString(), body });
  if (parts.at(-1)?.endsWith('.csv')) return text(response, 200, 'nama\nPeserta Satu\n', 'text/csv');
  const refused = refusal(world, request, parts);
  const { status, body: answered } = refused ?? once(world, request, parts, body, () => answerApi(world, request.method, parts, query, body, (lesson, ...events) => tell(mock, lesson, ...events)));
  if (world.lost === `${request.method} /${parts.join('/')}`) return response.destroy();
  return text(response, status, answered === null ? '' : JSON.stringify(answered), status >= 400 ? 'application/problem+json' : 'application/json');
}

const refuse = (status, code, errors) => ({ status, body: { type: `/problems/${code}`, title: code, status, detail: code, ...(errors === undefined ? {} : { errors }) } });

/** What the contract refuses before it looks at what is asked. */
function refusal(world, { method, headers }, parts) {
  if (method === 'POST' && !/^[A-Za-z0-9_-]{1,64}$/.test(headers['idempotency-key'] ?? '')) return refuse(422, 'invalid', [{ field: 'Idempotency-Key', code: 'malformed', detail: 'must be there' }]);
  const wrong = world.refuse[`${method} /${parts.join('/')}`];
  if (wrong !== undefined) return refuse(422, 'invalid', wrong.map(([field, code]) => ({ field, code, detail: 'must be otherwise' })));
  if (parts[0] === 'session' || world.user === null || method === 'GET') return null;
  return headers['x-csrf-token'] === CSRF ? null : refuse(403, 'csrf');
}

/** Answers that hold a secret are not kept. */
const SECRETIVE = /^(session|me\/keys|webhooks|courses\/[^/]+\/invitations|lessons\/[^/]+\/publishing\/key|users\/[^/]+\/sign-in-link)$/;

/** A `POST` with a key that was done is not done again, and a key stands for one request alone. */
function once(world, { method, headers }, parts, body, act) {
  if (method !== 'POST') return act();
  const key = headers['idempotency-key'];
  const asked = JSON.stringify([parts, body]);
  const before = world.kept.get(key);
  if (before !== undefined && before.asked !== asked) return refuse(422, 'invalid', [{ field: 'Idempotency-Key', code: 'not_allowed', detail: 'stands for another request: take a new one' }]);
  if (before !== undefined) return before.answer ?? refuse(409, 'answered-once');
  const answered = act();
  // As it was then: what it tells of may change.
  if (answered.status < 400) world.kept.set(key, { asked, answer: SECRETIVE.test(parts.join('/')) ? null : structuredClone(answered) });
  return answered;
}
