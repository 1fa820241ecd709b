/**
 * A stand-in for the server: the built page, a channel whose state a test sets, and media that ffmpeg makes.
 *
 * It speaks the real addresses and the real content security policy, so that what passes here fits the real server.
 */

import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { acceptSocket, appFile, file, frameHeader, NAME, page, text } from './answers.mjs';
import { flvStream } from './media.mjs';

const DIST = fileURLToPath(new URL('../apps/watch/dist/', import.meta.url));
/** Starts on a free port. `live` and `recorded` are folders that {@link ./media.mjs} fills. */
export async function startMock({ live, recorded }) {
  const mock = { channel: {}, status: 200, mediaStatus: 200, asked: [], refused: 0, children: new Set(), sockets: new Set() };
  const server = createServer((request, response) => {
    answer(mock, { live, recorded }, request, response).catch(() => response.destroy());
  });
  server.on('upgrade', (request, socket) => upgrade(mock, request, socket));
  server.on('connection', (socket) => {
    mock.sockets.add(socket);
    socket.on('close', () => mock.sockets.delete(socket));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  return {
    url: `http://127.0.0.1:${port}`,
    asked: mock.asked,
    /** Resolves once this path has been asked for so many times more. */
    async askedAgain(path, times) {
      const count = () => mock.asked.filter((url) => url === path).length;
      const wanted = count() + times;
      while (count() < wanted) await once(server, 'request');
    },
    /** Sets the channel's state; missing fields are those of a channel that waits. */
    set(channel) {
      mock.channel = { state: 'waiting', stream: null, title: 'Fisika Dasar: Gelombang', tracks: [], recordings: [], ...channel };
      mock.status = 200;
    },
    /** What the state is answered with: 404, 403, 503; 0 hangs up. */
    failState(status) {
      mock.status = status;
    },
    /** The same for media. */
    failMedia(status) {
      mock.mediaStatus = status;
    },
    /** Ends every open FLV answer, as a server that goes down does. */
    cut() {
      for (const child of mock.children) child.kill('SIGKILL');
    },
    /** Resolves once media has been refused so many times more. */
    async refusedMedia(times) {
      const wanted = mock.refused + times;
      while (mock.refused < wanted) await once(server, 'request');
    },
    async close() {
      for (const child of mock.children) child.kill('SIGKILL');
      for (const socket of mock.sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(mock, folders, request, response) {
  const { pathname } = new URL(request.url, 'http://mock');
  mock.asked.push(request.url);
  const parts = pathname.split('/').filter((part) => part !== '');
  if (parts[0] === 'watch') return page(request, response, join(DIST, 'index.html'));
  if (parts[0] === 'assets' && NAME.test(parts[1] ?? '')) return appFile(request, response, join(DIST, 'assets', parts[1]));
  if (pathname === '/time') return text(response, 200, new Date().toISOString());
  const rest = ['s', 'p'].includes(parts[0]) ? parts.slice(2) : parts;
  return answerChannel(mock, folders, rest, request, response);
}

async function answerChannel(mock, { live, recorded }, [, name, first, second], request, response) {
  if (first === 'state') {
    if (mock.status === 0) return response.destroy();
    return text(response, mock.status, JSON.stringify({ ...mock.channel, serverTime: Date.now() }), 'application/json');
  }
  if (mock.mediaStatus !== 200) mock.refused += 1;
  if (mock.mediaStatus !== 200) return mock.mediaStatus === 0 ? response.destroy() : text(response, mock.mediaStatus, 'not now');
  if (first === undefined && name?.endsWith('.flv')) return flv(mock, request, response);
  if (second !== undefined && NAME.test(second)) return file(response, join(recorded, second), 200, request);
  if (first !== undefined && NAME.test(first)) return file(response, join(live, first), 200, request);
  return text(response, 404, 'not found');
}

function startFlv(mock, closed) {
  const child = flvStream();
  mock.children.add(child);
  child.on('exit', () => mock.children.delete(child));
  closed(() => child.kill('SIGKILL'));
  return child;
}

function flv(mock, request, response) {
  response.writeHead(200, { 'content-type': 'video/x-flv', 'cache-control': 'no-store' });
  startFlv(mock, (done) => response.on('close', done)).stdout.pipe(response);
}

function upgrade(mock, request, socket) {
  if (mock.mediaStatus !== 200) return socket.destroy();
  mock.asked.push(`ws:${request.url}`);
  acceptSocket(request, socket);
  const child = startFlv(mock, (done) => socket.on('close', done));
  child.stdout.on('data', (bytes) => socket.write(Buffer.concat([frameHeader(bytes.length), bytes])));
  child.on('exit', () => socket.destroy());
  return undefined;
}
