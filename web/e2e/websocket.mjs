/** One line of text both ways over a WebSocket (RFC 6455), for a stand-in: whole texts in and out, whatever the packets. */

import { acceptSocket, frameHeader } from './answers.mjs';

/** Accepts an upgrade; `onText` gets every whole text message. */
export function acceptWebSocket(request, socket, protocol, onText) {
  acceptSocket(request, socket, protocol);
  let held = Buffer.alloc(0);
  socket.on('data', (bytes) => {
    held = Buffer.concat([held, bytes]);
    for (let frame = readFrame(held); frame !== null; frame = readFrame(held)) {
      held = held.subarray(frame.length);
      if (frame.opcode === 1) onText(frame.text);
      if (frame.opcode === 8) socket.end();
    }
  });
  return {
    send: (text) => {
      const body = Buffer.from(text);
      if (socket.writable) socket.write(Buffer.concat([frameHeader(body.length, 1), body]));
    },
  };
}

function readFrame(bytes) {
  if (bytes.length < 6) return null;
  let size = bytes[1] & 0x7f;
  let at = 2;
  if (size === 126) {
    size = bytes.readUInt16BE(2);
    at = 4;
  }
  if (size === 127 || bytes.length < at + 4 + size) return null;
  const mask = bytes.subarray(at, at + 4);
  const body = Buffer.from(bytes.subarray(at + 4, at + 4 + size));
  for (let i = 0; i < size; i += 1) body[i] ^= mask[i % 4];
  return { opcode: bytes[0] & 0x0f, text: body.toString(), length: at + 4 + size };
}
