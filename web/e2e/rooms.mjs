/** Rooms of the stand-in: the WebSocket `tayang.room.v1`, and server-sent events where a test has no sockets. */

import { acceptSocket, frameHeader } from './answers.mjs';

/** Texts in what a browser sends: short masked frames (RFC 6455, 5.3). The rest is kept for later. */
function texts(bytes) {
  const found = [];
  let at = 0;
  while (bytes.length - at >= 6) {
    let length = bytes[at + 1] & 0x7f;
    let head = 2;
    if (length === 126) {
      length = bytes.readUInt16BE(at + 2);
      head = 4;
    }
    if (bytes.length - at < head + 4 + length) break;
    const mask = bytes.subarray(at + head, at + head + 4);
    const payload = Buffer.from(bytes.subarray(at + head + 4, at + head + 4 + length).map((byte, n) => byte ^ mask[n % 4]));
    if ((bytes[at] & 0x0f) === 1) found.push(payload.toString());
    if ((bytes[at] & 0x0f) === 8) found.push(null);
    at += head + 4 + length;
  }
  return { found, rest: bytes.subarray(at) };
}

export class Rooms {
  constructor(world) {
    this.world = world;
    this.lines = new Set();
    this.totals = { hati: 41, tepuk: 12 };
  }

  hello() {
    const { comments, pinned, muted } = this.world;
    const newest = comments.at(-1)?.seq ?? 0;
    const lesson = this.world.lesson('l-live');
    return {
      t: 'hello', seq: newest, viewers: lesson.viewers, pinned: comments.filter(({ id }) => [pinned].flat().includes(id)), slow_ms: lesson.slow_ms,
      comments_on: lesson.comments_on, me: { muted_until_at: muted, hand: false },
    };
  }

  /** To everybody in the room. */
  tell(...events) {
    for (const line of this.lines) line.send(events);
  }

  say(name, body) {
    const seq = (this.world.comments.at(-1)?.seq ?? 0) + 1;
    const comment = { id: `k-${seq}`, seq, user: { id: 'u-9', name, mentor: false }, body, at: new Date().toISOString(), media_ms: 0, client_id: null };
    this.world.comments.push(comment);
    this.tell({ t: 'comment', ...comment });
  }

  take(message) {
    const { user } = this.world;
    if (message.t === 'react') {
      this.totals[message.kind] = (this.totals[message.kind] ?? 0) + message.n;
      return this.tell({ t: 'reactions', media_ms: 0, counts: { [message.kind]: message.n }, totals: this.totals });
    }
    if (message.t === 'hand') {
      this.world.hand = message.raised;
      return undefined;
    }
    const known = this.world.comments.find(({ client_id }) => client_id === message.client_id);
    if (known !== undefined) return known;
    const seq = (this.world.comments.at(-1)?.seq ?? 0) + 1;
    const comment = { id: `k-${seq}`, seq, user: { id: user.id, name: user.name, mentor: false }, body: message.body, at: new Date().toISOString(), media_ms: message.media_ms, client_id: message.client_id };
    this.world.comments.push(comment);
    this.tell({ t: 'comment', ...comment });
    return comment;
  }

  upgrade(request, socket) {
    if (!this.world.socket || request.headers['sec-websocket-protocol'] !== 'tayang.room.v1') return socket.destroy();
    acceptSocket(request, socket, 'tayang.room.v1');
    const line = {
      send: (events) => {
        const bytes = Buffer.from(JSON.stringify(events));
        socket.write(Buffer.concat([frameHeader(bytes.length, 1), bytes]));
      },
      cut: () => socket.destroy(),
      dismiss: (code) => socket.end(Buffer.from([0x88, 2, code >> 8, code & 0xff])),
    };
    this.lines.add(line);
    socket.on('close', () => this.lines.delete(line));
    let kept = Buffer.alloc(0);
    socket.on('data', (bytes) => {
      const { found, rest } = texts(Buffer.concat([kept, bytes]));
      kept = rest;
      for (const text of found) this.hear(line, socket, text);
    });
    line.send([this.hello()]);
    return undefined;
  }

  hear(line, socket, text) {
    if (text === null) {
      socket.end();
      return;
    }
    const message = JSON.parse(text);
    const refusal = this.world.refuse;
    if (message.t === 'comment' && refusal !== undefined) {
      line.send([{ t: 'refused', client_id: message.client_id, code: refusal, retry_after_ms: 1_000 }]);
      return;
    }
    const comment = this.take(message);
    if (message.t === 'comment') line.send([{ t: 'ack', client_id: message.client_id, seq: comment.seq }]);
  }

  events(response) {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    const line = {
      send: (events) => response.write(`event: frame\nid: 1\ndata: ${JSON.stringify(events)}\n\n`),
      cut: () => response.destroy(),
      dismiss: () => response.end(),
    };
    this.lines.add(line);
    response.on('close', () => this.lines.delete(line));
    line.send([this.hello()]);
  }

  /** Closes for good, with a code of the room's own. */
  dismiss(code) {
    for (const line of this.lines) line.dismiss(code);
  }

  cut() {
    for (const line of this.lines) line.cut();
  }
}
