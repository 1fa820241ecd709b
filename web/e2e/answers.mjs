/** How stand-in servers answer: texts, files with ranges, pages with the real policies and caches, WebSockets. */

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { extname } from 'node:path';

const POLICY = [
  "default-src 'self'", "img-src 'self' data:", "media-src 'self' blob:", "worker-src 'self' blob:", "connect-src 'self' ws: wss:",
  "object-src 'none'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
].join('; ');
const WEBSOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.m3u8': 'application/vnd.apple.mpegurl',
  '.mpd': 'application/dash+xml',
  '.ts': 'video/mp2t',
  '.m4s': 'video/iso.segment',
  '.mp4': 'video/mp4',
  '.png': 'image/png',
  '.webmanifest': 'application/manifest+json',
};

/** A file name that leads nowhere else. */
export const NAME = /^[A-Za-z0-9._-]+$/;

export function text(response, status, body, type = 'text/plain; charset=utf-8') {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
  response.end(body);
}

/** The page of an app, with the real policy. */
export function page(request, response, path) {
  return built(request, response, path, { 'cache-control': 'no-cache' });
}

/** A file of a built app: by its hash for good, by its own name looked at anew each time. */
export function appFile(request, response, path) {
  const isAsset = path.includes('/assets/');
  return built(request, response, path, { 'cache-control': isAsset ? 'public, max-age=31536000, immutable' : 'no-cache' });
}

/** As the server gives what it embeds: packed as the build has left it, if the browser takes that. */
async function built(request, response, path, headers) {
  const accepted = request.headers['accept-encoding'] ?? '';
  const ways = [['br', '.br'], ['gzip', '.gz'], [null, '']].filter(([encoding]) => encoding === null || accepted.includes(encoding));
  for (const [encoding, extension] of ways) {
    const body = await readFile(path + extension).catch(() => null);
    if (body === null) continue;
    const packed = encoding === null ? {} : { 'content-encoding': encoding };
    response.writeHead(200, { ...headers, ...packed, 'content-type': TYPES[extname(path)] ?? 'application/octet-stream', 'content-security-policy': POLICY, 'referrer-policy': 'no-referrer', vary: 'Accept-Encoding' });
    return response.end(body);
  }
  return text(response, 404, 'not found');
}

export async function file(response, path, status, request) {
  const found = await stat(path).catch(() => null);
  if (found === null) return text(response, 404, 'not found');
  const type = TYPES[extname(path)] ?? 'application/octet-stream';
  const range = /^bytes=(\d+)-(\d*)$/.exec(request?.headers.range ?? '');
  if (range !== null) {
    const start = Number(range[1]);
    const end = range[2] === '' ? found.size - 1 : Math.min(Number(range[2]), found.size - 1);
    response.writeHead(206, { 'content-type': type, 'content-range': `bytes ${start}-${end}/${found.size}`, 'content-length': end - start + 1 });
    createReadStream(path, { start, end }).pipe(response);
    return undefined;
  }
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
  createReadStream(path).pipe(response);
  return undefined;
}

/** Completes the handshake of a WebSocket (RFC 6455, 4.2.2); `protocol` is the subprotocol that is agreed upon. */
export function acceptSocket(request, socket, protocol) {
  const accept = createHash('sha1').update(request.headers['sec-websocket-key'] + WEBSOCKET_GUID).digest('base64');
  const agreed = protocol === undefined ? '' : `sec-websocket-protocol: ${protocol}\r\n`;
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${accept}\r\n${agreed}\r\n`);
  socket.on('error', () => socket.destroy());
}

/** Header of one unmasked frame (RFC 6455, 5.2); `kind` is 1 for text, 2 for bytes. */
export function frameHeader(length, kind = 2) {
  const first = 0x80 | kind;
  if (length < 126) return Buffer.from([first, length]);
  if (length < 65_536) return Buffer.from([first, 126, length >> 8, length & 0xff]);
  const header = Buffer.alloc(10);
  header[0] = first;
  header[1] = 127;
  header.writeBigUInt64BE(BigInt(length), 2);
  return header;
}
