/** The browser's own WebSocket and EventSource as lines into a room. */

import type { Api } from '../api.ts';
import { randomKey } from '../http.ts';
import { closeCode } from './events.ts';
import type { Line, LineListener, RoomPorts, RoomWay } from './connection.ts';

const SUBPROTOCOL = 'tayang.room.v1';

function dialSocket(path: string, listener: LineListener): Line {
  const url = new URL(path, location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  const socket = new WebSocket(url, SUBPROTOCOL);
  socket.addEventListener('message', ({ data }) => {
    if (typeof data === 'string') listener.frame(data);
  });
  // An error is always followed by this, which says why.
  socket.addEventListener('close', ({ code }) => listener.closed(code), { once: true });
  return {
    send: (text) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(text);
    },
    close: () => socket.close(),
  };
}

function dialEvents(path: string, listener: LineListener): Line {
  const events = new EventSource(path);
  let told = false;
  const closed = (code?: number): void => {
    if (told) return;
    told = true;
    // Its own retrying knows neither spread nor growing waits.
    events.close();
    listener.closed(code);
  };
  events.addEventListener('frame', ({ data }) => {
    if (typeof data === 'string') listener.frame(data);
  });
  // What the close frame of a WebSocket says.
  events.addEventListener('close', ({ data }) => closed(closeCode(data)));
  events.addEventListener('error', () => closed());
  return { send: null, close: () => events.close() };
}

export function browserRoomPorts(api: Api, lesson: string): RoomPorts {
  const path = api.roomPath(lesson);
  return {
    dial: (way: RoomWay, listener) => {
      if (way === 'socket') return 'WebSocket' in globalThis ? dialSocket(path, listener) : null;
      return 'EventSource' in globalThis ? dialEvents(path, listener) : null;
    },
    comments: async (after, limit) => (await api.comments(lesson, { after, limit })).items,
    postComment: (comment) => api.postComment(lesson, comment),
    postReaction: (reaction) => api.postReaction(lesson, reaction),
    postHand: (raised) => api.postHand(lesson, raised),
    after: (ms, task) => {
      const timer = setTimeout(task, ms);
      return () => clearTimeout(timer);
    },
    now: () => performance.now(),
    chance: Math.random,
    newId: randomKey,
    isVisible: () => document.visibilityState === 'visible',
  };
}
