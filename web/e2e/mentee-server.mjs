/** A stand-in for the server before MyMentee: the built app, its API over a world that tests set, a room, and media. */

import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { answerApi, hello, take } from './mentee-routes.mjs';
import { makeWorld } from './mentee-world.mjs';
import { acceptWebSocket } from './websocket.mjs';

const DIST = fileURLToPath(new URL('../apps/mymentee/dist/', import.meta.url));
const POLICY = "default-src 'self'; media-src 'self' blob:; worker-src 'self' blob:; connect-src 'self' ws: wss:";
const TYPES = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml', '.png': 'image/png',
  '.woff2': 'font/woff2', '.webmanifest': 'application/manifest+json', '.m3u8': 'application/vnd.apple.mpegurl', '.mpd': 'application/dash+xml', '.ts': 'video/mp2t',
  '.m4s': 'video/iso.segment', '.mp4': 'video/mp4',
};

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
  const line = acceptWebSocket(request, socket, 'tayang.room.v1', (text) => {
    const { all, own } = take(mock.world, text);
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
  const text = Buffer.concat(chunks).toString();
  return text === '' ? null : JSON.parse(text);
}

async function answer(mock, request, response) {
  const { pathname, searchParams } = new URL(request.url, 'http://mock');
  if (pathname === '/time') return send(response, 200, new Date().toISOString(), 'text/plain');
  if (pathname.startsWith('/api/v1/')) return api(mock, request, response, pathname.slice(8).split('/').filter((part) => part !== ''), searchParams);
  const media = /^\/media\/(live|recorded)\/([\w.-]+)$/.exec(pathname);
  if (media !== null) return file(response, join(mock.folders[media[1]], media[2]), request);
  if (!pathname.startsWith('/mymentee/')) return send(response, 404, 'not found', 'text/plain');
  const inside = normalize(pathname.slice('/mymentee/'.length));
  if (/^(assets\/|icons\/|sw\.js$|manifest\.webmanifest$)/.test(inside)) return file(response, join(DIST, inside), request);
  response.writeHead(200, { 'content-type': TYPES['.html'], 'content-security-policy': POLICY, 'referrer-policy': 'no-referrer', 'cache-control': 'no-store' });
  return response.end(await readFile(join(DIST, 'index.html')));
}

async function api(mock, request, response, parts, query) {
  const body = await bodyOf(request);
  const { world } = mock;
  world.asked.push(`${request.method} /${parts.join('/')}`);
  if (request.method !== 'GET') world.sent.push({ what: `${request.method} /${parts.join('/')}`, query: query.toString(), body });
  if (parts.at(-1)?.endsWith('.csv')) return send(response, 200, 'nama\nPeserta Satu\n', 'text/csv');
  const { status, body: answered } = answerApi(world, request.method, parts, query, body, (lesson, ...events) => tell(mock, lesson, ...events));
  return send(response, status, answered === null ? '' : JSON.stringify(answered), status >= 400 ? 'application/problem+json' : 'application/json');
}

function send(response, status, text, type) {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
  response.end(text);
}

async function file(response, path, request) {
  const found = await stat(path).catch(() => null);
  if (found === null) return send(response, 404, 'not found', 'text/plain');
  const type = TYPES[extname(path)] ?? 'application/octet-stream';
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
  if (range === null) {
    response.writeHead(200, { 'content-type': type, 'cache-control': 'no-store', 'content-length': found.size });
    return createReadStream(path).pipe(response);
  }
  const start = Number(range[1]);
  const end = range[2] === '' ? found.size - 1 : Math.min(Number(range[2]), found.size - 1);
  response.writeHead(206, { 'content-type': type, 'content-range': `bytes ${start}-${end}/${found.size}`, 'content-length': end - start + 1 });
  return createReadStream(path, { start, end }).pipe(response);
}
